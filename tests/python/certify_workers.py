"""Workers: scripts with their bindings, and the routes that lead to them."""

from certify_checks import NOWHERE, loose, zone_id

SOURCE = "export default { async fetch() { return new Response('%s'); } };"


def module(text):
    return ("worker.js", (SOURCE % text).encode(), "application/javascript+module")


def upload(client, account, script, text, bindings=(), tags=()):
    return client.workers.scripts.update(
        script,
        account_id=account,
        metadata={
            "main_module": "worker.js",
            "compatibility_date": "2026-01-01",
            "bindings": list(bindings),
            "tags": list(tags),
        },
        files=[module(text)],
    )


def scripts(client, checks, account, name):
    workers = client.workers.scripts
    here = {"account_id": account}
    space = client.kv.namespaces.create(title="certify script", **here).id
    loose(client).r2.buckets.create(name="certify-script", **here)
    bindings = [
        {"type": "kv_namespace", "name": "KV", "namespace_id": space},
        {"type": "r2_bucket", "name": "BUCKET", "bucket_name": "certify-script"},
        {"type": "plain_text", "name": "TEXT", "text": "words"},
    ]
    with checks.check("scripts: upload with bindings"):
        made = upload(client, account, "certify", "one", bindings, ["zerodrift:certify/x"])
        assert made.id == "certify" and made.etag and made.startup_time_ms is not None
    with checks.check("scripts: list"):
        (listed,) = [each for each in workers.list(**here) if each.id == "certify"]
        assert listed.etag == made.etag and listed.created_on == made.created_on
    with checks.check("scripts: content"):
        assert (SOURCE % "one") in workers.get("certify", **here)
    with checks.check("scripts: settings, bindings in an order of their own"):
        settings = workers.script_and_version_settings.get("certify", **here)
        assert settings.compatibility_date == "2026-01-01"
        assert settings.tags == ["zerodrift:certify/x"]
        shown = {each.name: each for each in settings.bindings}
        assert set(shown) == {"KV", "BUCKET", "TEXT"}
        assert shown["KV"].namespace_id == space
        assert shown["BUCKET"].bucket_name == "certify-script"
        assert shown["TEXT"].text == "words"
    with checks.check("scripts: upload again"):
        again = upload(client, account, "certify", "two")
        assert again.etag != made.etag and again.created_on == made.created_on
        assert workers.script_and_version_settings.get("certify", **here).bindings == []
    checks.refused(
        "scripts: code that does not compile", 400, 10021,
        lambda: workers.update(
            "certify-bad", metadata={"main_module": "worker.js"},
            files=[("worker.js", b"export default {", "application/javascript+module")], **here,
        ),
    )
    missing = [{"type": "kv_namespace", "name": "KV", "namespace_id": NOWHERE}]
    checks.refused(
        "scripts: a namespace that is not there", 400, 10041,
        lambda: upload(client, account, "certify-bad", "x", missing),
    )
    missing = [{"type": "r2_bucket", "name": "BUCKET", "bucket_name": "certify-none"}]
    checks.refused(
        "scripts: a bucket that is not there", 400, 10085,
        lambda: upload(client, account, "certify-bad", "x", missing),
    )
    objects = [{"type": "durable_object_namespace", "name": "DO", "class_name": "Counter"}]
    checks.refused(
        "scripts: bindings the sandbox has not", 501, 10501,
        lambda: upload(client, account, "certify-bad", "x", objects),
    )
    checks.refused(
        "scripts: settings of one that is not there", 404, 10007,
        lambda: workers.script_and_version_settings.get("certify-none", **here),
    )
    with checks.check("scripts: delete"):
        workers.delete("certify", **here)
        assert "certify" not in [each.id for each in workers.list(**here)]
    checks.refused(
        "scripts: delete of one that is gone", 404, 10007,
        lambda: workers.delete("certify", **here),
    )
    loose(client).kv.namespaces.delete(space, **here)
    loose(client).r2.buckets.delete("certify-script", **here)


def routes(client, checks, account, name):
    zone = zone_id(client, name)
    routes = client.workers.routes
    upload(client, account, "certify-route", "x")
    with checks.check("routes: create"):
        made = routes.create(zone_id=zone, pattern=f"{name}/certify/*", script="certify-route")
        assert (made.pattern, made.script) == (f"{name}/certify/*", "certify-route")
    with checks.check("routes: get and list"):
        assert routes.get(made.id, zone_id=zone).script == "certify-route"
        assert made.id in [each.id for each in routes.list(zone_id=zone)]
    with checks.check("routes: update"):
        put = routes.update(
            made.id, zone_id=zone, pattern=f"www.{name}/certify/*", script="certify-route"
        )
        assert (put.id, put.pattern) == (made.id, f"www.{name}/certify/*")
    checks.refused(
        "routes: a second one of the same pattern", 409, 10020,
        lambda: routes.create(zone_id=zone, pattern=put.pattern, script="certify-route"),
    )
    checks.refused(
        "routes: a pattern outside the zone", 400, 10022,
        lambda: routes.create(zone_id=zone, pattern="elsewhere.test/*", script="certify-route"),
    )
    checks.refused(
        "routes: to a script that is not there", 400, 10007,
        lambda: routes.create(zone_id=zone, pattern=f"{name}/none/*", script="certify-none"),
    )
    checks.refused(
        "routes: get of one that is not there", 404, 10009,
        lambda: routes.get(NOWHERE, zone_id=zone),
    )
    with checks.check("routes: delete"):
        routes.delete(made.id, zone_id=zone)
        assert made.id not in [each.id for each in routes.list(zone_id=zone)]
    checks.refused(
        "routes: delete of one that is gone", 404, 10009,
        lambda: routes.delete(made.id, zone_id=zone),
    )
    with checks.check("routes: they go with their script"):
        routes.create(zone_id=zone, pattern=f"{name}/gone/*", script="certify-route")
        client.workers.scripts.delete("certify-route", account_id=account)
        assert list(routes.list(zone_id=zone)) == []
