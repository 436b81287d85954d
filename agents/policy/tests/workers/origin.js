// An origin that says too much and protects too little.

export default {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/down") throw new Error("no origin here");
    return new Response("hello from " + url.pathname, {
      status: url.pathname === "/missing" ? 404 : 200,
      headers: {
        server: "nginx/1.2.3",
        "x-powered-by": "PHP/5.4",
        "x-frame-options": "DENY",
        "content-type": "text/plain",
      },
    });
  },
};
