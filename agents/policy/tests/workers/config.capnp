# The Worker templates with their bindings, the storage they reach in memory, and the tests that call
# them. `workerd test` runs every service that exports a test. Paths are relative to this file, so the
# test puts the templates beside it.
using Workerd = import "/workerd/workerd.capnp";

const date :Text = "2026-10-01";

const config :Workerd.Config = (
  services = [
    (name = "tests", worker = (
      compatibilityDate = .date,
      modules = [(name = "tests.js", esModule = embed "tests.js")],
      bindings = [
        (name = "headers", service = "headers"),
        (name = "redirects", service = "redirects"),
        (name = "objects", service = "objects"),
        (name = "api", service = "api"),
        (name = "KV", kvNamespace = "kv"),
        (name = "BUCKET", r2Bucket = "r2"),
      ],
    )),
    (name = "headers", worker = (
      compatibilityDate = .date,
      modules = [(name = "worker.js", esModule = embed "headers.js")],
      globalOutbound = "origin",
    )),
    (name = "redirects", worker = (
      compatibilityDate = .date,
      modules = [(name = "worker.js", esModule = embed "redirects.js")],
      bindings = [(name = "KV", kvNamespace = "kv")],
    )),
    (name = "objects", worker = (
      compatibilityDate = .date,
      modules = [(name = "worker.js", esModule = embed "objects.js")],
      bindings = [(name = "BUCKET", r2Bucket = "r2"), (name = "PREFIX", text = "/objects/")],
    )),
    (name = "api", worker = (
      compatibilityDate = .date,
      modules = [(name = "worker.js", esModule = embed "json-api.js")],
      bindings = [(name = "KV", kvNamespace = "kv"), (name = "PREFIX", text = "/v1/")],
    )),
    (name = "origin", worker = (
      compatibilityDate = .date,
      modules = [(name = "origin.js", esModule = embed "origin.js")],
    )),
    (name = "kv", worker = (
      compatibilityDate = .date,
      modules = [(name = "kv.js", esModule = embed "kv.js")],
    )),
    (name = "r2", worker = (
      compatibilityDate = .date,
      modules = [(name = "r2.js", esModule = embed "r2.js")],
    )),
  ],
);
