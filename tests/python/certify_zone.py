"""What lives in a zone: the zone itself, its settings, DNS records and rulesets."""

from cloudflare.types.rulesets.ruleset_create_response import Ruleset

from certify_checks import NOWHERE, zone_id


def zones(client, checks, account, name):
    with checks.check("zones: list by name"):
        (zone,) = client.zones.list(name=name)
        assert (zone.name, zone.status, zone.account.id) == (name, "active", account)
    with checks.check("zones: list finds none of another name"):
        assert list(client.zones.list(name="nobody.example")) == []
    with checks.check("zones: list goes on over pages"):
        page = client.zones.list(per_page=5)
        assert page.result_info.page == 1 and page.result_info.per_page == 5
        names = [each.name for each in page]
        assert name in names and len(names) == len(set(names))
    with checks.check("zones: get"):
        assert client.zones.get(zone_id=zone_id(client, name)).name == name
    with checks.check("zones: the plan is one whose rules language the zone has"):
        assert client.zones.get(zone_id=zone_id(client, name)).plan.legacy_id == "pro"
    checks.refused(
        "zones: get of one that is not there", 404, 7003, lambda: client.zones.get(zone_id=NOWHERE)
    )
    checks.refused(
        "zones: a page that is too small", 400, 1004, lambda: client.zones.list(per_page=1)
    )


def settings(client, checks, account, name):
    zone = zone_id(client, name)
    with checks.check("settings: get"):
        before = client.zones.settings.get("min_tls_version", zone_id=zone)
        assert before.id == "min_tls_version" and before.value
    with checks.check("settings: edit, and back"):
        edited = client.zones.settings.edit("min_tls_version", zone_id=zone, value="1.2")
        assert edited.value == "1.2" and edited.modified_on
        assert client.zones.settings.get("min_tls_version", zone_id=zone).value == "1.2"
        client.zones.settings.edit("min_tls_version", zone_id=zone, value=before.value)
        assert client.zones.settings.get("min_tls_version", zone_id=zone).value == before.value
    with checks.check("settings: list"):
        answer = client.get(f"/zones/{zone}/settings", cast_to=object)
        assert {"ssl", "min_tls_version", "always_use_https"} <= {s["id"] for s in answer["result"]}
    checks.refused(
        "settings: one there is not",
        400,
        1006,
        lambda: client.zones.settings.get("no_such_setting", zone_id=zone),
    )
    checks.refused(
        "settings: a value it cannot have",
        400,
        1007,
        lambda: client.zones.settings.edit("min_tls_version", zone_id=zone, value="9.9"),
    )


def records(client, checks, account, name):
    zone = zone_id(client, name)
    dns = client.dns.records
    host = f"certify.{name}"

    with checks.check("dns: create, normalised"):
        made = dns.create(
            zone_id=zone, type="A", name=f"Certify.{name}.", content="203.0.113.7",
            ttl=300, proxied=True, comment="made by a stranger",
        )
        assert (made.name, made.ttl, made.proxied) == (host, 1, True)
        assert made.comment == "made by a stranger" and made.proxiable
    with checks.check("dns: get"):
        got = dns.get(made.id, zone_id=zone)
        assert (got.id, got.content) == (made.id, "203.0.113.7")
    with checks.check("dns: edit leaves the rest alone"):
        edited = dns.edit(made.id, zone_id=zone, type="A", name=host, ttl=1, content="203.0.113.8")
        assert (edited.content, edited.proxied, edited.comment) == (
            "203.0.113.8", True, "made by a stranger",
        )
        assert edited.modified_on > made.modified_on
    with checks.check("dns: update puts the rest back"):
        put = dns.update(made.id, zone_id=zone, type="A", name=host, ttl=120, content="203.0.113.9")
        assert (put.id, put.proxied, put.ttl, put.comment) == (made.id, False, 120, None)
    with checks.check("dns: list by name"):
        assert [each.id for each in dns.list(zone_id=zone, name={"exact": host})] == [made.id]
    checks.refused(
        "dns: the same again", 400, 81058,
        lambda: dns.create(zone_id=zone, type="A", name=host, ttl=1, content="203.0.113.9"),
    )
    checks.refused(
        "dns: a CNAME beside an address", 400, 81053,
        lambda: dns.create(zone_id=zone, type="CNAME", name=host, ttl=1, content="x.example.org"),
    )
    checks.refused(
        "dns: content that is no address", 400, 1004,
        lambda: dns.create(zone_id=zone, type="A", name=f"bad.{name}", ttl=1, content="nonsense"),
    )
    checks.refused(
        "dns: a TTL out of range", 400, 1004,
        lambda: dns.create(zone_id=zone, type="A", name=f"b.{name}", ttl=7, content="203.0.113.9"),
    )
    checks.refused(
        "dns: get of one that is not there", 404, 81044, lambda: dns.get(NOWHERE, zone_id=zone)
    )
    checks.refused(
        "dns: edit of one that is not there", 404, 81044,
        lambda: dns.edit(NOWHERE, zone_id=zone, type="A", name=host, ttl=1, content="203.0.113.8"),
    )
    with checks.check("dns: batch"):
        done = dns.batch(
            zone_id=zone,
            deletes=[{"id": made.id}],
            posts=[
                {"type": "TXT", "name": f"p{n}.{name}", "ttl": 1, "content": f"page {n}"}
                for n in range(7)
            ],
        )
        assert (len(done.deletes), len(done.posts)) == (1, 7)
    with checks.check("dns: list goes on over pages"):
        page = dns.list(zone_id=zone, type="TXT", per_page=3)
        assert len(page.result) == 3
        listed = [each.id for each in page]
        assert sorted(listed) == sorted(each.id for each in done.posts)
    with checks.check("dns: delete"):
        for each in done.posts:
            assert dns.delete(each.id, zone_id=zone).id == each.id
        assert list(dns.list(zone_id=zone)) == []
    checks.refused(
        "dns: delete of one that is gone", 404, 81044, lambda: dns.delete(made.id, zone_id=zone)
    )


CUSTOM = "http_request_firewall_custom"
RULES = {
    CUSTOM: {
        "action": "block",
        "expression": 'http.request.uri.path contains "/admin"',
        "description": "no admin",
    },
    "http_ratelimit": {
        "action": "block",
        "expression": 'starts_with(http.request.uri.path, "/api/")',
        "ratelimit": {
            "characteristics": ["ip.src", "cf.colo.id"],
            "period": 60,
            "requests_per_period": 100,
            "mitigation_timeout": 60,
        },
    },
    "http_request_cache_settings": {
        "action": "set_cache_settings",
        "expression": 'http.host eq "example.com"',
        "action_parameters": {
            "cache": True,
            "edge_ttl": {"mode": "override_origin", "default": 3600},
            "browser_ttl": {"mode": "respect_origin"},
        },
    },
}


def rulesets(client, checks, account, name):
    zone = zone_id(client, name)
    for phase, rule in RULES.items():
        of_phase(client, checks, zone, phase, rule)
    with checks.check("rulesets: none is left"):
        assert list(client.rulesets.list(zone_id=zone)) == []


def typed(answer):
    """The SDK takes a ruleset for any object at all; this holds it against its model for one."""
    return Ruleset.model_validate(answer)


def of_phase(client, checks, zone, phase, rule):
    sets, rules = client.rulesets, client.rulesets.rules
    checks.refused(
        f"{phase}: an entrypoint nobody made yet", 404, 10003,
        lambda: sets.phases.get(phase, zone_id=zone),
    )
    with checks.check(f"{phase}: create"):
        made = typed(sets.create(
            zone_id=zone, kind="zone", name="default", phase=phase,
            rules=[{**rule, "ref": "certify_one"}],
        ))
        assert (made.phase, made.version, made.kind) == (phase, "1", "zone")
        first = made.rules[0]
        assert (first.ref, first.enabled) == ("certify_one", True)
    checks.refused(
        f"{phase}: a second ruleset of the phase", 400, 20217,
        lambda: sets.create(zone_id=zone, kind="zone", name="default", phase=phase, rules=[]),
    )
    with checks.check(f"{phase}: list, get, and the entrypoint"):
        assert made.id in [each.id for each in sets.list(zone_id=zone)]
        assert sets.get(made.id, zone_id=zone).rules[0].id == first.id
        assert sets.phases.get(phase, zone_id=zone).id == made.id
    with checks.check(f"{phase}: a rule is added, and the whole comes back"):
        whole = typed(rules.create(made.id, zone_id=zone, **rule, ref="certify_two"))
        assert [each.ref for each in whole.rules] == ["certify_one", "certify_two"]
        assert whole.version == "2"
        second = whole.rules[1]
    with checks.check(f"{phase}: a rule is edited and keeps its id"):
        off = {**rule, "enabled": False}
        whole = typed(rules.edit(second.id, ruleset_id=made.id, zone_id=zone, **off))
        edited = whole.rules[1]
        assert (edited.id, edited.enabled, edited.ref) == (second.id, False, "certify_two")
        assert edited.version > second.version
    with checks.check(f"{phase}: a PUT keeps a rule's id by its ref, and only by that"):
        kept = {**rule, "ref": "certify_one"}
        put = typed(sets.update(made.id, zone_id=zone, rules=[kept, rule]))
        assert put.rules[0].id == first.id and put.rules[1].id != second.id
    with checks.check(f"{phase}: a PUT of the entrypoint"):
        put = typed(sets.phases.update(phase, zone_id=zone, rules=[kept]))
        assert put.id == made.id and len(put.rules) == 1
    checks.refused(
        f"{phase}: two rules with one ref", 400, 20120,
        lambda: rules.create(made.id, zone_id=zone, **rule, ref="certify_one"),
    )
    wrong = {**rule, "expression": 'http.no_such_field eq "x"'}
    checks.refused(
        f"{phase}: an expression of unknown fields", 400, 20127,
        lambda: rules.create(made.id, zone_id=zone, **wrong),
    )
    wrong = {**rule, "expression": 'http.host matches ".*"'}
    checks.refused(
        f"{phase}: a regular expression, which the plan has not", 400, 20127,
        lambda: rules.create(made.id, zone_id=zone, **wrong),
    )
    checks.refused(
        f"{phase}: an action of another phase", 400, 20120,
        lambda: rules.create(made.id, zone_id=zone, **{**rule, "action": "rewrite"}),
    )
    checks.refused(
        f"{phase}: edit of a rule that is not there", 404, 10003,
        lambda: rules.edit(NOWHERE, ruleset_id=made.id, zone_id=zone, **rule),
    )
    with checks.check(f"{phase}: a rule is deleted"):
        whole = typed(rules.delete(first.id, ruleset_id=made.id, zone_id=zone))
        assert whole.rules in ([], None)
    with checks.check(f"{phase}: the ruleset is deleted"):
        sets.delete(made.id, zone_id=zone)
    checks.refused(
        f"{phase}: get of a ruleset that is gone", 404, 10003,
        lambda: sets.get(made.id, zone_id=zone),
    )
