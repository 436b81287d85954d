// What the Worker templates promise, each asked as a person would ask it.

function equal(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(what + ": found " + a + ", wanted " + b);
}

// Bodies are read to their end: workerd waits for one that is not.
async function ask(worker, path, options = {}) {
  const url = "https://edge.example.com" + path;
  const answer = await worker.fetch(url, { redirect: "manual", ...options });
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

export const headersAreAddedAndRemoved = {
  async test(_, env) {
    const answer = await ask(env.headers, "/page");
    equal(answer.body, "hello from /page", "the body passes");
    equal(answer.headers.get("server"), null, "server is removed");
    equal(answer.headers.get("x-powered-by"), null, "x-powered-by is removed");
    equal(answer.headers.get("x-frame-options"), "DENY", "the origin's own word stands");
    equal(answer.headers.get("x-content-type-options"), "nosniff", "what is missing is added");
    equal(answer.headers.get("strict-transport-security"), "max-age=31536000", "HSTS");
    const missing = await ask(env.headers, "/missing");
    equal([missing.status, missing.headers.get("x-content-type-options")], [404, "nosniff"], "errors too");
    equal((await ask(env.headers, "/down")).status, 502, "an origin that is down");
  },
};

export const redirectsFollowTheMap = {
  async test(_, env) {
    await env.KV.put("/docs", "https://docs.example.com/start");
    await env.KV.put("/old", "/new?kept=1", { metadata: { status: 301 } });
    await env.KV.put("/", "https://www.example.com/");
    await env.KV.put("/loop", "/loop");
    await env.KV.put("/guise", "//evil.example/");
    await env.KV.put("/script", "javascript:alert(1)");
    const to = async (path) => {
      const answer = await ask(env.redirects, path);
      return [answer.status, answer.headers.get("location")];
    };
    equal(await to("/docs"), [302, "https://docs.example.com/start"], "a target");
    equal(await to("/docs/?a=b"), [302, "https://docs.example.com/start?a=b"], "slash and query");
    equal(await to("/old?x=1"), [301, "https://edge.example.com/new?kept=1"], "status from metadata");
    equal(await to("/"), [302, "https://www.example.com/"], "the root");
    equal(await to("/nowhere"), [404, null], "no entry");
    for (const path of ["/loop", "/guise", "/script"]) equal(await to(path), [500, null], path);
    equal((await ask(env.redirects, "/docs", { method: "POST" })).status, 405, "only reading");
  },
};

export const objectsAreServed = {
  async test(_, env) {
    await env.BUCKET.put("a b.txt", "0123456789", { httpMetadata: { contentType: "text/plain" } });
    const whole = await ask(env.objects, "/objects/a%20b.txt");
    equal([whole.status, whole.body], [200, "0123456789"], "the object");
    equal(whole.headers.get("content-type"), "text/plain", "its type");
    equal(whole.headers.get("x-content-type-options"), "nosniff", "as it says it is");
    const etag = whole.headers.get("etag");
    const part = await ask(env.objects, "/objects/a%20b.txt", { headers: { range: "bytes=2-4" } });
    equal([part.status, part.body], [206, "234"], "a part");
    equal(part.headers.get("content-range"), "bytes 2-4/10", "which part");
    const end = await ask(env.objects, "/objects/a%20b.txt", { headers: { range: "bytes=-3" } });
    equal([end.status, end.body], [206, "789"], "the end");
    equal(end.headers.get("content-range"), "bytes 7-9/10", "which end");
    const beyond = await ask(env.objects, "/objects/a%20b.txt", { headers: { range: "bytes=50-" } });
    equal(beyond.status, 416, "beyond the end");
    const same = await ask(env.objects, "/objects/a%20b.txt", { headers: { "if-none-match": etag } });
    equal([same.status, same.headers.get("etag")], [304, etag], "unchanged");
    const head = await ask(env.objects, "/objects/a%20b.txt", { method: "HEAD" });
    equal([head.status, head.headers.get("content-length")], [200, "10"], "only its description");
    for (const path of ["/objects/none", "/objects/", "/objects/%ff", "/other/a%20b.txt"]) {
      equal((await ask(env.objects, path)).status, 404, path);
    }
    equal((await ask(env.objects, "/objects/x", { method: "PUT", body: "x" })).status, 405, "read-only");
  },
};

export const itemsAreReadByAllAndWrittenByTokenHolders = {
  async test(_, env) {
    const token = "a-token-of-some-length";
    const bearer = { authorization: "Bearer " + token };
    const put = (id, body, headers = bearer) =>
      ask(env.api, "/v1/items/" + id, { method: "PUT", body, headers });

    equal((await put("one", "{}", {})).status, 401, "no token");
    equal((await put("one", "{}")).status, 403, "a token nobody made");
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    await env.KV.put("token:" + Buffer.from(digest).toString("hex"), "for a test");

    equal((await put("one", '{"a": [1]}')).status, 200, "a known token");
    const one = await ask(env.api, "/v1/items/one");
    equal([one.status, JSON.parse(one.body)], [200, { a: [1] }], "what was written");
    equal((await put("two", "{")).status, 400, "no JSON");
    equal((await put("two", '"' + "x".repeat(1024 * 1024) + '"')).status, 413, "too long");
    equal((await put("no%2Fid", "1")).status, 400, "no id");
    const list = await ask(env.api, "/v1/items");
    equal(JSON.parse(list.body), { items: [{ id: "one" }], cursor: null }, "list");
    const gone = await ask(env.api, "/v1/items/one", { method: "DELETE", headers: bearer });
    equal(gone.status, 204, "removed");
    equal((await ask(env.api, "/v1/items/one")).status, 404, "gone");
    equal((await ask(env.api, "/v1/items/one", { method: "PATCH" })).status, 405, "no such method");
    equal((await ask(env.api, "/v1/")).status, 200, "what it is");
    for (const path of ["/v1/other", "/v1/items/a/b", "/else"]) {
      equal((await ask(env.api, path)).status, 404, path);
    }
  },
};
