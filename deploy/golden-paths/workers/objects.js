// Files from an R2 bucket, read-only.
//
// Bindings: BUCKET, the bucket; PREFIX, the path below which this Worker answers (`/`, `/objects/`):
// what follows it is the object's key. Ranges and conditions are honoured; keys are never listed.

export default {
  async fetch(request, env) {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return text(405, "Only GET and HEAD.\n", { allow: "GET, HEAD" });
    }
    const key = keyOf(new URL(request.url).pathname, env.PREFIX);
    if (key === null) return text(404, "No such object.\n");

    if (request.method === "HEAD") {
      const head = await env.BUCKET.head(key);
      if (head === null) return text(404, null);
      return new Response(null, { headers: describe(head, { "content-length": String(head.size) }) });
    }

    let object;
    try {
      object = await env.BUCKET.get(key, { range: request.headers, onlyIf: request.headers });
    } catch (error) {
      // R2 answers 10039 to a range outside the object.
      if (String(error.message).includes("(10039)")) return text(416, "No such range.\n");
      throw error;
    }
    if (object === null) return text(404, "No such object.\n");
    // Without a body, a condition of the request was not met.
    if (!("body" in object)) {
      const unmodified = request.headers.has("if-none-match") || request.headers.has("if-modified-since");
      return new Response(null, { status: unmodified ? 304 : 412, headers: describe(object) });
    }
    const part = partOf(object, request.headers.has("range"));
    if (part === null) return new Response(object.body, { headers: describe(object) });
    const range = "bytes " + part.first + "-" + part.last + "/" + object.size;
    return new Response(object.body, {
      status: 206,
      headers: describe(object, { "content-range": range }),
    });
  },
};

// The object's key; null where the path names none.
function keyOf(path, prefix) {
  if (!path.startsWith(prefix)) return null;
  let key;
  try {
    key = decodeURIComponent(path.slice(prefix.length));
  } catch {
    return null;
  }
  const length = new TextEncoder().encode(key).length;
  return length >= 1 && length <= 1024 && !key.endsWith("/") ? key : null;
}

// The first and last byte that are sent; null where that is the whole object.
function partOf(object, asked) {
  if (!asked || !object.range) return null;
  const { offset, length, suffix } = object.range;
  const first = suffix === undefined ? (offset ?? 0) : Math.max(0, object.size - suffix);
  const last = length === undefined ? object.size - 1 : Math.min(object.size, first + length) - 1;
  return first === 0 && last === object.size - 1 ? null : { first, last };
}

function describe(object, more = {}) {
  const headers = new Headers(more);
  object.writeHttpMetadata(headers);
  headers.set("etag", object.httpEtag);
  headers.set("last-modified", object.uploaded.toUTCString());
  headers.set("accept-ranges", "bytes");
  // What is stored here was uploaded by others: it is shown as what it says it is and nothing else.
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("content-type")) headers.set("content-type", "application/octet-stream");
  if (!headers.has("cache-control")) headers.set("cache-control", "public, max-age=300");
  return headers;
}

function text(status, body, headers = {}) {
  return new Response(body, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...headers },
  });
}
