"""Who may do what: tokens, refusals of every family alike, the audit log, the rate limit."""

import json
import urllib.request

import cloudflare

from certify_checks import client_of, loose, zone_id


def group(client, name):
    """The id of a permission group."""
    (found,) = [each for each in client.user.tokens.permission_groups.list() if each.name == name]
    return found.id


def policy(client, zone, name):
    return {
        "effect": "allow",
        "permission_groups": [{"id": group(client, name)}],
        "resources": {f"com.cloudflare.api.account.zone.{zone}": "*"},
    }


def tokens(client, checks, account, name):
    zone = zone_id(client, name)
    api = client.user.tokens
    with checks.check("tokens: verify"):
        assert api.verify().status == "active"
        assert client.accounts.tokens.verify(account_id=account).status == "active"
    with checks.check("tokens: create, the value shown once"):
        made = api.create(name="certify", policies=[policy(client, zone, "DNS Read")])
        assert made.value and made.status == "active"
        got = api.get(made.id)
        assert got.name == "certify" and not getattr(got, "value", None)
    with checks.check("tokens: list"):
        assert made.id in [each.id for each in api.list()]
    with checks.check("tokens: it reads where it may"):
        reader = client_of(made.value)
        assert reader.user.tokens.verify().id == made.id
        assert list(reader.dns.records.list(zone_id=zone)) == []
    checks.refused(
        "tokens: a write it may not make", 403, 10000,
        lambda: reader.dns.records.create(
            zone_id=zone, type="A", name=f"no.{name}", ttl=1, content="203.0.113.9"
        ),
    )
    checks.refused(
        "tokens: a family it may not read", 403, 10000,
        lambda: reader.kv.namespaces.list(account_id=account),
    )
    with checks.check("tokens: update"):
        put = api.update(
            made.id, name="certify two", status="active",
            policies=[policy(client, zone, "DNS Write")],
        )
        assert put.name == "certify two"
        record = reader.dns.records.create(
            zone_id=zone, type="A", name=f"yes.{name}", ttl=1, content="203.0.113.9"
        )
        reader.dns.records.delete(record.id, zone_id=zone)
    with checks.check("tokens: roll, and the old value is dead at once"):
        value = api.value.update(made.id)
        assert client_of(value).user.tokens.verify().id == made.id
    checks.refused("tokens: the rolled value", 401, 1000, lambda: reader.user.tokens.verify())
    with checks.check("tokens: delete"):
        assert api.delete(made.id).id == made.id
        assert made.id not in [each.id for each in api.list()]
    checks.refused(
        "tokens: use of one that is gone", 403, 9109,
        lambda: client_of(value).dns.records.list(zone_id=zone),
    )
    checks.refused("tokens: get of one that is gone", 404, 1003, lambda: api.get(made.id))
    checks.refused(
        "tokens: without a policy", 400, 1001, lambda: api.create(name="nothing", policies=[])
    )


def refusals(client, checks, account, name):
    stranger = client_of("nobody-knows-this-token")
    zone = zone_id(client, name)
    families = {
        "zones": lambda: stranger.zones.list(),
        "dns": lambda: stranger.dns.records.list(zone_id=zone),
        "rulesets": lambda: stranger.rulesets.list(zone_id=zone),
        "settings": lambda: stranger.zones.settings.get("ssl", zone_id=zone),
        "routes": lambda: stranger.workers.routes.list(zone_id=zone),
        "scripts": lambda: stranger.workers.scripts.list(account_id=account),
        "kv": lambda: stranger.kv.namespaces.list(account_id=account),
        "r2": lambda: stranger.r2.buckets.list(account_id=account),
        "gateway": lambda: stranger.zero_trust.gateway.rules.list(account_id=account),
        "audit": lambda: stranger.accounts.logs.audit.list(
            account_id=account, since="2020-01-01", before="2100-01-01"
        ),
    }
    for family, call in families.items():
        checks.refused(f"{family}: an unknown token", 403, 9109, call)
    checks.refused(
        "tokens: verify of an unknown token", 401, 1000, lambda: stranger.user.tokens.verify()
    )
    # The SDK sends no call without a credential, so this one leaves the header out by itself.
    checks.refused(
        "zones: no token at all", 400, 9106,
        lambda: client.get(
            "/zones", cast_to=object, options={"headers": {"Authorization": cloudflare.omit}}
        ),
    )
    checks.refused(
        "something Cloudflare has and the sandbox has not", 404, 7000,
        lambda: client.load_balancers.list(zone_id=zone),
    )
    checks.refused(
        "another method than a path has", 405, 10405,
        lambda: client.delete(f"/zones/{zone}/dns_records", cast_to=object),
    )


def audit(client, checks, account, name):
    log = client.accounts.logs.audit
    period = {"account_id": account, "since": "2020-01-01", "before": "2100-01-01"}
    with checks.check("audit: what was just done, and by whom"):
        made = client.kv.namespaces.create(account_id=account, title="certify audit")
        loose(client).kv.namespaces.delete(made.id, account_id=account)
        entries = list(log.list(**period, limit=2))[:2]
        assert [each.action.type for each in entries] == ["delete", "create"]
        assert [each.resource.id for each in entries] == [made.id, made.id]
        assert {each.actor.token_id for each in entries} == {client.user.tokens.verify().id}
        assert entries[0].raw.method == "DELETE" and entries[0].raw.status_code == 200
    with checks.check("audit: a refused write is in it"):
        try:
            client.kv.namespaces.create(account_id=account, title="")
        except cloudflare.BadRequestError:
            pass
        newest = next(iter(log.list(**period)))
        assert (newest.action.result, newest.raw.status_code) == ("failure", 400)
    with checks.check("audit: list goes on from a cursor"):
        every = [each.id for each in log.list(**period, limit=1000)]
        paged = [each.id for each in log.list(**period, limit=20)]
        assert len(every) > 40 and paged == every
    checks.refused(
        "audit: a filter the sandbox has not", 501, 10501,
        lambda: log.list(**period, actor_email={"not": ["a@example.com"]}),
    )
    checks.refused(
        "audit: without a period", 400, 1001,
        lambda: client.get(f"/accounts/{account}/logs/audit", cast_to=object),
    )


def limit(client, checks, account, name):
    """Last, since it changes the sandbox's limit, which only its own interface can."""
    control = str(client.base_url).split("/client/v4")[0] + "/__sandbox/limits"

    def set_limit(requests, seconds):
        body = json.dumps({"requests": requests, "seconds": seconds}).encode()
        urllib.request.urlopen(urllib.request.Request(control, body, method="POST")).close()

    set_limit(3, 60)
    with checks.check("limit: every answer tells what is left"):
        left = [client.zones.with_raw_response.list().headers["ratelimit"] for _ in range(3)]
        assert [each.split(";")[1] for each in left] == ["r=2", "r=1", "r=0"], left
    checks.refused("limit: one call too many", 429, 971, lambda: client.zones.list())
    with checks.check("limit: the SDK reads when to come back"):
        try:
            client.zones.list()
        except cloudflare.RateLimitError as error:
            assert 1 <= int(error.response.headers["retry-after"]) <= 60
        else:
            raise AssertionError("it was answered")
    set_limit(1200, 300)
    with checks.check("limit: over, the call is answered again"):
        assert list(client.zones.list(name=name))
    set_limit(1, 1)
    with checks.check("limit: the SDK waits as it is told and comes through"):
        patient = client.with_options(max_retries=3)
        assert all(list(patient.zones.list(name=name)) for _ in range(2))
    set_limit(1200, 300)
