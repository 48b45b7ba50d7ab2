"""From a one-time link to a cookie, and back: who is asking?"""

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import Response

from webvdi.access.claims import ClaimsInvalid
from webvdi.access.logins import COOKIE_LIFETIME_S, logged_in, login_cookie, redeem
from webvdi.access.once import Once
from webvdi.base.files import write_atomic

logger = logging.getLogger(__name__)

OWNER = "owner"
"""The one person there is, so far: whoever can read the terminal."""


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """How people get in."""

    key: bytes
    used_tokens: Path
    """Where used login tokens are remembered over restarts."""
    cookie_name: str
    """Differs between webvdis of one host: cookies know no ports."""
    required: bool = True
    """False: whoever reaches the port is the owner (``--no-auth``)."""


class Logins:
    """The portal's doorkeeper."""

    def __init__(self, policy: LoginPolicy) -> None:
        self._policy = policy
        self._once = Once(_remembered(policy.used_tokens))

    def subject(self, connection: HTTPConnection) -> str | None:
        """Who asks; None for a stranger."""
        if not self._policy.required:
            return OWNER
        cookie = connection.cookies.get(self._policy.cookie_name)
        return logged_in(cookie, self._policy.key, now=time.time())

    def redeem(self, token: str) -> None:
        """Use up a login token.  Raises :class:`ClaimsInvalid`."""
        redeem(token, self._policy.key, self._once, now=time.time())
        write_atomic(self._policy.used_tokens, json.dumps(self._once.remembered()).encode())

    def let_in(self, response: Response, connection: HTTPConnection) -> None:
        """Set the login cookie."""
        response.set_cookie(
            self._policy.cookie_name,
            login_cookie(OWNER, self._policy.key, now=time.time()),
            max_age=int(COOKIE_LIFETIME_S),
            path=connection.scope.get("root_path", "") or "/",
            httponly=True,
            secure=connection.url.scheme in ("https", "wss"),
            # Lax, not Strict: a link to the machine in a chat or a wiki must find the login.
            samesite="lax",
        )


def _remembered(path: Path) -> dict[str, float]:
    try:
        return {str(k): float(v) for k, v in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        logger.warning("%s is damaged; login links used before work once more: %s", path, error)
        return {}


__all__ = ["ClaimsInvalid", "LoginPolicy", "Logins"]
