// Security headers around an origin's responses.
//
// What the origin says for itself stands: a header is added only where it is missing. Headers that
// tell an attacker what runs behind are removed. No binding.

const ADDED = {
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
  "x-frame-options": "SAMEORIGIN",
  "referrer-policy": "strict-origin-when-cross-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "content-security-policy": "frame-ancestors 'self'; base-uri 'self'; object-src 'none'",
};

const REMOVED = ["server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator"];

export default {
  async fetch(request) {
    let answer;
    try {
      answer = await fetch(request);
    } catch {
      return new Response("The origin did not answer.\n", {
        status: 502,
        headers: { ...ADDED, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
      });
    }
    // An upgraded connection is no document, and its response cannot be made anew.
    if (answer.webSocket) return answer;

    const response = new Response(answer.body, answer);
    for (const name of REMOVED) response.headers.delete(name);
    for (const [name, value] of Object.entries(ADDED)) {
      if (!response.headers.has(name)) response.headers.set(name, value);
    }
    return response;
  },
};
