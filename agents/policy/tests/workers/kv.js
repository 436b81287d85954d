// A KV namespace in memory, as workerd asks one over HTTP.

const values = new Map();

export default {
  async fetch(request) {
    const url = new URL(request.url);
    const key = decodeURIComponent(url.pathname.slice(1));
    if (request.method === "PUT") {
      values.set(key, {
        value: await request.arrayBuffer(),
        metadata: request.headers.get("CF-KV-Metadata"),
      });
      return new Response(null);
    }
    if (request.method === "DELETE") {
      values.delete(key);
      return new Response(null);
    }
    if (key === "") {
      const prefix = url.searchParams.get("prefix") ?? "";
      const keys = [...values.keys()].filter((name) => name.startsWith(prefix)).sort();
      return Response.json({ keys: keys.map((name) => ({ name })), list_complete: true });
    }
    const found = values.get(key);
    if (!found) return new Response(null, { status: 404 });
    const headers = found.metadata ? { "CF-KV-Metadata": found.metadata } : {};
    return new Response(found.value, { headers });
  },
};
