// Redirects from a map in KV.
//
// Binding KV: the key is a path (`/docs`; no last slash, `/` for the root), the value where it leads:
// an absolute http(s) URL or a path on the same host. The key's metadata may say another status:
// {"status": 301}. A query of the request goes along where the target has none of its own.
// A change is seen everywhere within two minutes: KV's own sixty seconds, and sixty of ours.

const STATUSES = [301, 302, 307, 308];

export default {
  async fetch(request, env) {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return text(405, "Only GET and HEAD.\n", { allow: "GET, HEAD" });
    }
    const url = new URL(request.url);
    const key = url.pathname.length > 1 ? url.pathname.replace(/\/+$/, "") || "/" : url.pathname;
    if (new TextEncoder().encode(key).length > 512) return text(404, "No redirect here.\n");

    const { value, metadata } = await env.KV.getWithMetadata(key, { type: "text", cacheTtl: 60 });
    if (value === null) return text(404, "No redirect here.\n");

    const target = destination(value.trim(), url);
    if (target === null) return text(500, "The redirect for this path leads nowhere.\n");

    const status = STATUSES.includes(metadata?.status) ? metadata.status : 302;
    return new Response(null, {
      status,
      headers: { location: target.href, "cache-control": "public, max-age=60" },
    });
  },
};

// The URL a value leads to; null where it is none, or leads back to where the request is.
function destination(value, url) {
  // "//host" would be another host in the guise of a path.
  if (!/^https?:\/\//i.test(value) && !/^\/(?![/\\])/.test(value)) return null;
  let target;
  try {
    target = new URL(value, url.origin);
  } catch {
    return null;
  }
  if (target.search === "") target.search = url.search;
  const here = target.origin === url.origin && target.pathname === url.pathname;
  return here ? null : target;
}

function text(status, body, headers = {}) {
  return new Response(body, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...headers },
  });
}
