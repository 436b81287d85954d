// An R2 bucket in memory, as workerd asks one over HTTP.

const objects = new Map();

export default {
  async fetch(request) {
    if (request.method === "PUT") {
      const size = Number(request.headers.get("CF-R2-Metadata-Size"));
      const body = new Uint8Array(await request.arrayBuffer());
      const asked = JSON.parse(new TextDecoder().decode(body.slice(0, size)));
      objects.set(asked.object, { asked, bytes: body.slice(size) });
      return answer(head(asked.object));
    }
    const asked = JSON.parse(request.headers.get("CF-R2-Request"));
    const found = objects.get(asked.object);
    if (!found) return failure(404, 10007, "The specified key does not exist.");
    const shown = head(asked.object);
    if (asked.method === "head") return answer(shown);
    const wanted = asked.onlyIf?.etagDoesNotMatch ?? [];
    if (wanted.some((etag) => etag.value === shown.etag || etag.type === "wildcard")) {
      return failure(412, 10031, "At least one of the pre-conditions did not hold.", shown);
    }
    let bytes = found.bytes;
    const range = /^bytes=(\d*)-(\d*)$/.exec(asked.rangeHeader ?? "");
    if (range) {
      const size = bytes.length;
      const first = range[1] === "" ? Math.max(0, size - Number(range[2])) : Number(range[1]);
      const last = range[1] === "" || range[2] === "" ? size - 1 : Math.min(size - 1, Number(range[2]));
      if (first >= size) return failure(416, 10039, "The requested range is not satisfiable.");
      bytes = bytes.slice(first, last + 1);
      shown.range = { offset: String(first), length: String(bytes.length) };
    }
    return answer(shown, bytes);
  },
};

function head(key) {
  const { asked, bytes } = objects.get(key);
  return {
    name: key,
    version: "v1",
    size: String(bytes.length),
    etag: "5d41402abc4b2a76b9719d911017c592",
    uploaded: "1700000000000",
    httpFields: asked.httpFields ?? {},
    customFields: [],
    checksums: {},
    storageClass: "Standard",
  };
}

function answer(shown, bytes = new Uint8Array()) {
  const json = new TextEncoder().encode(JSON.stringify(shown));
  return new Response(new Blob([json, bytes]), { headers: { "cf-r2-metadata-size": String(json.length) } });
}

function failure(status, v4code, message, shown) {
  const headers = { "cf-r2-error": JSON.stringify({ version: 1, v4code, message }) };
  if (!shown) return new Response(null, { status, headers });
  const json = JSON.stringify(shown);
  return new Response(json, { status, headers: { ...headers, "cf-r2-metadata-size": String(json.length) } });
}
