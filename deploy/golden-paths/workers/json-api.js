// A JSON API over KV.
//
// Bindings: KV, the store; PREFIX, the path below which this Worker answers (`/`, `/v1/`).
//
//   GET    <PREFIX>             what this is
//   GET    <PREFIX>items        ids, 100 a page: {"items": [{"id": …}], "cursor": … or null}
//   GET    <PREFIX>items/<id>   one item
//   PUT    <PREFIX>items/<id>   stores the JSON body
//   DELETE <PREFIX>items/<id>   removes it
//
// Everybody may read. To write takes `Authorization: Bearer <token>`, and KV must hold the key
// `token:<SHA-256 of the token in hexadecimal>`: with no such key nobody can write. Items are kept
// as `item:<id>`; a write is seen everywhere within a minute.

const LARGEST = 1024 * 1024;
const ID = /^[A-Za-z0-9._~-]{1,128}$/;

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (!url.pathname.startsWith(env.PREFIX)) return problem(404, "nothing here");
    const [collection, id, ...rest] = url.pathname.slice(env.PREFIX.length).split("/");

    if (collection === "" && id === undefined) {
      if (!reads(request)) return wrongMethod("GET, HEAD");
      return json(200, { service: "json-api", items: env.PREFIX + "items" });
    }
    if (collection !== "items" || rest.length > 0) return problem(404, "nothing here");
    if (id === undefined || id === "") {
      return reads(request) ? list(url, env) : wrongMethod("GET, HEAD");
    }
    if (!ID.test(id)) return problem(400, "an id is 1 to 128 of letters, digits and . _ ~ -");

    switch (request.method) {
      case "GET":
      case "HEAD":
        return read(id, env);
      case "PUT":
        return (await refusal(request, env)) ?? write(id, request, env);
      case "DELETE":
        return (await refusal(request, env)) ?? remove(id, env);
      default:
        return wrongMethod("GET, HEAD, PUT, DELETE");
    }
  },
};

async function list(url, env) {
  const cursor = url.searchParams.get("cursor") ?? undefined;
  const page = await env.KV.list({ prefix: "item:", limit: 100, cursor });
  return json(200, {
    items: page.keys.map((key) => ({ id: key.name.slice("item:".length) })),
    cursor: page.list_complete ? null : page.cursor,
  });
}

async function read(id, env) {
  const item = await env.KV.get("item:" + id, "text");
  if (item === null) return problem(404, "no item " + id);
  // Stored as checked JSON: sent as it is.
  return new Response(item, { headers: headers({ "cache-control": "public, max-age=10" }) });
}

async function write(id, request, env) {
  const body = await bounded(request);
  if (body === null) return problem(413, "an item is at most 1 MiB");
  let item;
  try {
    item = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return problem(400, "the body is not JSON in UTF-8");
  }
  await env.KV.put("item:" + id, JSON.stringify(item));
  return json(200, { id });
}

async function remove(id, env) {
  await env.KV.delete("item:" + id);
  return new Response(null, { status: 204 });
}

// The body, read no further than an item may be long; null where it is longer.
async function bounded(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > LARGEST) return null;
    chunks.push(chunk);
  }
  return new Blob(chunks).arrayBuffer();
}

// Why the request may not write; null where it may.
async function refusal(request, env) {
  const [, token] = /^Bearer ([\x21-\x7e]{16,512})$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  if (token === undefined) {
    return problem(401, "to write takes a bearer token of 16 to 512 characters", {
      "www-authenticate": 'Bearer realm="json-api"',
    });
  }
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const known = await env.KV.get("token:" + hex, "text");
  return known === null ? problem(403, "this token may not write here") : null;
}

function reads(request) {
  return request.method === "GET" || request.method === "HEAD";
}

function wrongMethod(allow) {
  return problem(405, "only " + allow, { allow });
}

function problem(status, error, more = {}) {
  return json(status, { error }, more);
}

function json(status, body, more = {}) {
  return new Response(JSON.stringify(body) + "\n", { status, headers: headers(more) });
}

function headers(more) {
  return {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...more,
  };
}
