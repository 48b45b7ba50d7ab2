"""The OpenAPI document is true: schemathesis asks for what it promises, and what it does not."""

import os
import tempfile
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from support.portal import TestPortal

DEEP = os.environ.get("WEBVDI_TEST_PROFILE") == "deep"
EXAMPLES = 300 if DEEP else 15


def furnished() -> tuple[TestPortal, dict[str, str]]:
    """A portal with something to find, and the owner's cookies."""
    portal = TestPortal(Path(tempfile.mkdtemp()))
    for name in ("debian", "a", "0"):
        portal.add(name)
    portal.use_cases.images.add_image("debian.iso")
    portal.site.end_streams()  # an event stream says hello, and ends
    return portal, dict(portal.owner().cookies)


PORTAL, COOKIES = furnished()
REJECTED = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429]
CONFIG = schemathesis.Config.from_dict(
    {
        # Signing in is another test's subject: each case has the cookie.
        "generation": {"with-security-parameters": False},
        # Too long a text may be too long a body as well.
        "checks": {"negative_data_rejection": {"expected-statuses": REJECTED}},
    }
)
schema = schemathesis.openapi.from_asgi(
    "/api/v1/openapi.json",
    PORTAL.portal.app,
    config=CONFIG,
    headers={"Cookie": "; ".join(f"{name}={value}" for name, value in COOKIES.items())},
)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not DEEP,
)
def test_every_endpoint_keeps_to_the_document(case: Case[Any]) -> None:
    case.call_and_validate(cookies=COOKIES)
