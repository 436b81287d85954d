"""What the checks of every family share."""

import contextlib
import traceback

import cloudflare

NOWHERE = "0" * 32


class Checks:
    """Prints what was checked and remembers whether all was well."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    @contextlib.contextmanager
    def check(self, what):
        """Whatever is raised within fails this check and no other."""
        try:
            yield
        except Exception as error:
            self.failed += 1
            frames = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in frames if "certify" in frame.filename]
            reason = f"{type(error).__name__}: {error} {error.__cause__ or ''}".replace("\n", " ")
            print(f"FAILED  {what}: line {own[-1].lineno}: {own[-1].line}: {reason}", flush=True)
        else:
            self.passed += 1
            print(f"ok      {what}", flush=True)

    def refused(self, what, status, code, call):
        """The call must fail with this HTTP status and this code among its errors."""
        with self.check(f"{what}: refused with {status}, code {code}"):
            try:
                answer = call()
            except cloudflare.APIStatusError as error:
                codes = [each.code for each in error.errors]
                seen = (error.status_code, codes)
                assert error.status_code == status and code in codes, f"it was {seen}"
            else:
                raise AssertionError(f"it was answered: {answer}")


def client_of(token=None):
    """The SDK at CLOUDFLARE_BASE_URL, with CLOUDFLARE_API_TOKEN or another token.

    Answers are held against the SDK's models, and nothing is tried twice: a refusal is to be seen
    as it is.
    """
    return cloudflare.Cloudflare(
        api_token=token, max_retries=0, timeout=20, _strict_response_validation=True
    )


def loose(client):
    """The same where Cloudflare is known not to keep to its own description: KV answers null where
    an object is promised, and R2 gives locations in capitals where they are promised without."""
    return client.with_options(_extra_kwargs={"_strict_response_validation": False})


def zone_id(client, name):
    """The id of the zone with this name."""
    (zone,) = client.zones.list(name=name)
    return zone.id
