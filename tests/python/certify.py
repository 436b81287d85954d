"""Holds a Cloudflare API against the official Python SDK, unmodified.

Every endpoint the project uses is called: made, read, listed by pages, changed, removed, and
refused with the right status and code. The SDK checks each answer against its own models, which are
generated from Cloudflare's description of the API. Prints one line a check; ends with 1 where one
failed.

    CLOUDFLARE_BASE_URL=…/client/v4 CLOUDFLARE_API_TOKEN=… certify.py ACCOUNT_ID ZONE_NAME
"""

import sys

import certify_account
import certify_rights
import certify_workers
import certify_zone
from certify_checks import Checks, client_of


def main(account, zone_name):
    client, checks = client_of(), Checks()
    for family in (
        certify_zone.zones,
        certify_zone.settings,
        certify_zone.records,
        certify_zone.rulesets,
        certify_account.namespaces,
        certify_account.values,
        certify_account.buckets,
        certify_account.gateway,
        certify_workers.scripts,
        certify_workers.routes,
        certify_rights.tokens,
        certify_rights.refusals,
        certify_rights.audit,
        certify_rights.limit,
    ):
        with checks.check(f"{family.__name__}, to the end"):
            family(client, checks, account, zone_name)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
