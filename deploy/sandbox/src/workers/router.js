// Hands each request to the Worker the edge chose. Every Worker is a service binding here.
const CHOICE = "x-sandbox-worker";
const FAILURE = "x-sandbox-failure";

function failure(status, text) {
  return new Response(text, { status, headers: { [FAILURE]: String(status) } });
}

export default {
  async fetch(request, env) {
    const name = request.headers.get(CHOICE);
    if (name === null) return new Response("ready");
    const worker = env[name];
    if (worker === undefined) return failure(503, `no Worker ${name} is deployed here`);
    const inner = new Request(request);
    inner.headers.delete(CHOICE);
    try {
      return await worker.fetch(inner);
    } catch (error) {
      return failure(500, String(error?.stack ?? error));
    }
  },
};
