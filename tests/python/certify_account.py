"""What lives in an account: KV namespaces and their values, R2 buckets, Gateway lists and rules."""

import time

from certify_checks import NOWHERE, loose

NOBODY = "00000000-0000-4000-8000-000000000000"


def namespaces(client, checks, account, name):
    kv = loose(client).kv.namespaces
    strict = client.kv.namespaces
    with checks.check("kv: create"):
        made = strict.create(account_id=account, title="certify")
        assert made.title == "certify" and len(made.id) == 32
    with checks.check("kv: get"):
        assert strict.get(made.id, account_id=account).title == "certify"
    with checks.check("kv: rename"):
        kv.update(made.id, account_id=account, title="certify renamed")
        assert kv.get(made.id, account_id=account).title == "certify renamed"
    checks.refused(
        "kv: a second one of the same title", 400, 10014,
        lambda: kv.create(account_id=account, title="certify renamed"),
    )
    checks.refused("kv: no title", 400, 10019, lambda: kv.create(account_id=account, title=""))
    checks.refused(
        "kv: get of one that is not there", 404, 10013, lambda: kv.get(NOWHERE, account_id=account)
    )
    with checks.check("kv: list goes on over pages"):
        others = [kv.create(account_id=account, title=f"page {n}").id for n in range(6)]
        page = strict.list(account_id=account, per_page=5)
        assert len(page.result) == 5
        assert {*others, made.id} <= {each.id for each in page}
    with checks.check("kv: delete"):
        for each in [*others, made.id]:
            kv.delete(each, account_id=account)
        left = {each.id for each in kv.list(account_id=account)}
        assert not left & {*others, made.id}
    checks.refused(
        "kv: delete of one that is gone", 404, 10013, lambda: kv.delete(made.id, account_id=account)
    )


def values(client, checks, account, name):
    kv = loose(client).kv.namespaces
    space = kv.create(account_id=account, title="certify values").id
    here = {"account_id": account, "namespace_id": space}
    with checks.check("kv values: put and get"):
        kv.values.update("a/b c", value=b"one", metadata={"n": 1}, **here)
        assert kv.values.get("a/b c", **here).read() == b"one"
    with checks.check("kv values: metadata"):
        assert kv.metadata.get("a/b c", **here) == {"n": 1}
    with checks.check("kv values: a life that wins over an end"):
        kv.values.update("mortal", value=b"two", expiration=4102444800, expiration_ttl=3600, **here)
        (key,) = [each for each in kv.keys.list(**here) if each.name == "mortal"]
        assert abs(key.expiration - time.time() - 3600) < 60
    checks.refused(
        "kv values: a life that is too short", 400, 10034,
        lambda: kv.values.update("short", value=b"x", expiration_ttl=5, **here),
    )
    checks.refused(
        "kv values: get of one that is not there", 404, 10009, lambda: kv.values.get("none", **here)
    )
    with checks.check("kv values: many at once"):
        pairs = [{"key": f"many{n:02}", "value": f"value {n}"} for n in range(25)]
        done = kv.bulk_update(namespace_id=space, account_id=account, body=pairs)
        assert done.successful_key_count == 25
        got = kv.bulk_get(namespace_id=space, account_id=account, keys=["many03", "none"])
        assert got.values == {"many03": "value 3", "none": None}
    with checks.check("kv values: keys, listed by prefix and over pages"):
        page = kv.keys.list(prefix="many", limit=10, **here)
        assert len(page.result) == 10
        assert [each.name for each in page] == [pair["key"] for pair in pairs]
    with checks.check("kv values: delete, one and many"):
        kv.values.delete("a/b c", **here)
        keys = [each.name for each in kv.keys.list(**here)]
        kv.bulk_delete(namespace_id=space, account_id=account, body=keys)
        assert list(kv.keys.list(**here)) == []
    kv.delete(space, account_id=account)


def buckets(client, checks, account, name):
    r2 = loose(client).r2.buckets
    here = {"account_id": account}
    with checks.check("r2: create"):
        made = r2.create(name="certify-one", location_hint="weur", storage_class="Standard", **here)
        assert (made.name, made.location, made.storage_class) == (
            "certify-one", "WEUR", "Standard",
        )
    with checks.check("r2: get"):
        assert r2.get("certify-one", **here).creation_date == made.creation_date
    with checks.check("r2: edit"):
        edited = r2.edit("certify-one", storage_class="InfrequentAccess", **here)
        assert edited.storage_class == "InfrequentAccess"
    checks.refused(
        "r2: a second one of the same name", 409, 10004,
        lambda: r2.create(name="certify-one", **here),
    )
    checks.refused("r2: a bad name", 400, 10005, lambda: r2.create(name="Not_Valid", **here))
    checks.refused("r2: get of one that is not there", 404, 10006, lambda: r2.get("none", **here))
    with checks.check("r2: list goes on from a cursor"):
        names = [r2.create(name=f"certify-page-{n}", **here).name for n in range(3)]
        first = client.get(f"/accounts/{account}/r2/buckets?per_page=2", cast_to=object)
        assert len(first["result"]["buckets"]) == 2
        cursor = first["result_info"]["cursor"]
        rest = r2.list(cursor=cursor, per_page=1000, **here).buckets
        seen = [each["name"] for each in first["result"]["buckets"]] + [each.name for each in rest]
        assert {"certify-one", *names} <= set(seen) and len(seen) == len(set(seen))
    with checks.check("r2: an object is put, read and listed"):
        body = b"an object"
        put = r2.objects.upload("a/b.txt", body, bucket_name="certify-one", **here)
        assert put.size == str(len(body))
        got = r2.objects.get("a/b.txt", bucket_name="certify-one", **here)
        assert got.read() == body
        listed = r2.objects.list("certify-one", prefix="a/", **here)
        assert [each.key for each in listed] == ["a/b.txt"]
    checks.refused(
        "r2: delete of one that is not empty", 409, 10008, lambda: r2.delete("certify-one", **here)
    )
    with checks.check("r2: delete"):
        r2.objects.delete("a/b.txt", bucket_name="certify-one", **here)
        for each in ["certify-one", *names]:
            r2.delete(each, **here)
        left = [each.name for each in r2.list(per_page=1000, **here).buckets]
        assert not [each for each in left if each.startswith("certify")]
    checks.refused(
        "r2: delete of one that is gone", 404, 10006, lambda: r2.delete("certify-one", **here)
    )


def gateway(client, checks, account, name):
    lists, rules = client.zero_trust.gateway.lists, client.zero_trust.gateway.rules
    here = {"account_id": account}

    with checks.check("gateway lists: create"):
        made = lists.create(
            name="certify", type="DOMAIN", description="a stranger's",
            items=[{"value": "Bad.Example.org"}, {"value": "worse.example.org"}], **here,
        )
        assert (made.name, made.type) == ("certify", "DOMAIN")
    with checks.check("gateway lists: get, and its items"):
        got = lists.get(made.id, **here)
        assert (got.count, got.description) == (2, "a stranger's")
        found = {each.value for each in lists.items.list(made.id, **here)}
        assert found == {"bad.example.org", "worse.example.org"}
    with checks.check("gateway lists: edit"):
        lists.edit(
            made.id, append=[{"value": "third.example.org"}], remove=["bad.example.org"], **here
        )
        found = {each.value for each in lists.items.list(made.id, **here)}
        assert found == {"worse.example.org", "third.example.org"}
    with checks.check("gateway lists: update"):
        many = [{"value": f"n{n}.example.org"} for n in range(60)]
        put = lists.update(made.id, name="certify two", description="", items=many, **here)
        assert (put.name, put.count) == ("certify two", 60)
    with checks.check("gateway lists: items go on over pages"):
        path = f"/accounts/{account}/gateway/lists/{made.id}/items"
        pages = [
            client.get(f"{path}?page={page}&per_page=25", cast_to=object)["result"]
            for page in (1, 2, 3)
        ]
        assert [len(page) for page in pages] == [25, 25, 10]
    with checks.check("gateway lists: list"):
        assert made.id in [each.id for each in lists.list(**here)]
    checks.refused(
        "gateway lists: a second one of the same name", 409, 2009,
        lambda: lists.create(name="certify two", type="DOMAIN", **here),
    )
    checks.refused(
        "gateway lists: an item that is no address", 400, 2012,
        lambda: lists.create(name="bad", type="IP", items=[{"value": "nonsense"}], **here),
    )
    checks.refused(
        "gateway lists: get of one that is not there", 404, 2003,
        lambda: lists.get(NOBODY, **here),
    )

    traffic = f"any(dns.domains[*] in ${made.id})"
    with checks.check("gateway rules: create"):
        rule = rules.create(
            name="certify", action="block", enabled=True, filters=["dns"], traffic=traffic,
            description="a stranger's", precedence=4242, **here,
        )
        assert (rule.action, rule.enabled, rule.filters) == ("block", True, ["dns"])
        assert rule.precedence == 4242
    with checks.check("gateway rules: get"):
        assert rules.get(rule.id, **here).traffic == rule.traffic
    with checks.check("gateway rules: update"):
        put = rules.update(
            rule.id, name="certify two", action="allow", enabled=False, filters=["dns"],
            traffic=traffic, **here,
        )
        assert (put.id, put.name, put.action, put.enabled) == (
            rule.id, "certify two", "allow", False,
        )
    with checks.check("gateway rules: list"):
        assert rule.id in [each.id for each in rules.list(**here)]
    checks.refused(
        "gateway rules: an expression of unknown fields", 400, 2013,
        lambda: rules.create(
            name="bad", action="block", filters=["dns"], traffic='dns.nothing == "x"', **here
        ),
    )
    checks.refused(
        "gateway rules: an action the filter has not", 400, 2013,
        lambda: rules.create(name="bad", action="scan", filters=["dns"], **here),
    )
    checks.refused(
        "gateway rules: get of one that is not there", 404, 2002, lambda: rules.get(NOBODY, **here)
    )
    checks.refused(
        "gateway lists: delete of one in use", 400, 2011, lambda: lists.delete(made.id, **here)
    )
    with checks.check("gateway rules: delete"):
        rules.delete(rule.id, **here)
        assert rule.id not in [each.id for each in rules.list(**here)]
    with checks.check("gateway lists: delete"):
        lists.delete(made.id, **here)
        assert made.id not in [each.id for each in lists.list(**here)]
    checks.refused(
        "gateway rules: delete of one that is gone", 404, 2002,
        lambda: rules.delete(rule.id, **here),
    )
    checks.refused(
        "gateway lists: delete of one that is gone", 404, 2003,
        lambda: lists.delete(made.id, **here),
    )
