"""From a link to a cookie, and back: who is asking?

The owner comes by a one-time link and gets the login cookie; whoever came by a share link has a
visit cookie beside it.  Who has both is the owner.
"""

import json
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import Response

from webvdi.access.claims import ClaimsInvalid
from webvdi.access.ended import Ended
from webvdi.access.logins import (
    COOKIE_LIFETIME_S,
    TOKEN_LIFETIME_S,
    Login,
    logged_in,
    login_cookie,
    login_token,
    redeem,
)
from webvdi.access.once import Once
from webvdi.access.visits import Visit, visit_cookie, visits_of
from webvdi.base.files import write_atomic

logger = logging.getLogger(__name__)


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

    @property
    def ended_logins(self) -> Path:
        """Where logins that were logged out are remembered over restarts."""
        return self.used_tokens.with_name("ended-logins.json")


class Logins:
    """The portal's doorkeeper.  *now* is in seconds since the epoch."""

    def __init__(self, policy: LoginPolicy) -> None:
        self._policy = policy
        self._once = Once(_remembered(policy.used_tokens, "login links used before work once more"))
        self._ended = Ended(
            _remembered(policy.ended_logins, "browsers that logged out before are logged in again")
        )

    @property
    def required(self) -> bool:
        """Whether browsers must log in."""
        return self._policy.required

    @property
    def cookie_name(self) -> str:
        """The owner's."""
        return self._policy.cookie_name

    @property
    def visit_cookie_name(self) -> str:
        """Of those who came by a share link."""
        return f"{self._policy.cookie_name}_share"

    def login(self, connection: HTTPConnection, now: float) -> Login | None:
        """The owner's login, if this is a signed-in browser."""
        login = self._signed(connection, now)
        return None if login is None or login.nonce in self._ended else login

    def has_left(self, connection: HTTPConnection, now: float) -> bool:
        """Whether this browser's login was logged out since the cookie was set."""
        login = self._signed(connection, now)
        return login is not None and login.nonce in self._ended

    def _signed(self, connection: HTTPConnection, now: float) -> Login | None:
        cookie = connection.cookies.get(self._policy.cookie_name)
        return logged_in(cookie, self._policy.key, now=now)

    def visits(self, connection: HTTPConnection, now: float) -> tuple[Visit, ...]:
        """The visits of one who came by share links, the newest first.

        Whether the links hold is not asked here.
        """
        cookie = connection.cookies.get(self.visit_cookie_name)
        return visits_of(cookie, self._policy.key, now=now)

    def has_visited(self, connection: HTTPConnection) -> bool:
        """Whether this browser came by a share link once, perhaps one that has ended."""
        return self.visit_cookie_name in connection.cookies

    def new_token(self, nonce: str, now: float) -> tuple[str, float]:
        """A token for a login link, and when it expires."""
        token = login_token(self._policy.key, nonce=nonce, now=now)
        return token, now + TOKEN_LIFETIME_S

    def redeem(self, token: str, now: float) -> None:
        """Use up a login token.  Raises :class:`ClaimsInvalid`."""
        redeem(token, self._policy.key, self._once, now=now)
        write_atomic(self._policy.used_tokens, json.dumps(self._once.remembered()).encode())

    def let_in(
        self, subject: str, response: Response, connection: HTTPConnection, now: float
    ) -> None:
        """Set the login cookie."""
        nonce = secrets.token_urlsafe(9)
        cookie = login_cookie(subject, self._policy.key, nonce=nonce, now=now)
        _set_cookie(response, connection, self._policy.cookie_name, cookie, COOKIE_LIFETIME_S)

    def let_visit(
        self, visit: Visit, response: Response, connection: HTTPConnection, now: float
    ) -> None:
        """Add a visit to the visit cookie."""
        others = [other for other in self.visits(connection, now) if other.share != visit.share]
        visits = [visit, *others]
        cookie = visit_cookie(visits, self._policy.key)
        lasts_s = max(one.expires for one in visits) - now
        _set_cookie(response, connection, self.visit_cookie_name, cookie, lasts_s)

    def log_out(self, response: Response, connection: HTTPConnection, now: float) -> None:
        """End this browser's login for good, and let the browser forget its visits.

        A share link's secret is still the guest's: they may come again by it until it ends.
        Raises ``OSError`` where it cannot be remembered over a restart; a repeat tries again.
        """
        login = self._signed(connection, now)
        if login is not None:
            self._ended.add(login.nonce, expires=login.until, now=now)
            # Also where it had ended: writing it down may have failed then.
            write_atomic(self._policy.ended_logins, json.dumps(self._ended.remembered()).encode())
        for name in (self._policy.cookie_name, self.visit_cookie_name):
            if name in connection.cookies:
                _set_cookie(response, connection, name, "", 0)


def _set_cookie(
    response: Response, connection: HTTPConnection, name: str, value: str, lasts_s: float
) -> None:
    mount = connection.scope.get("app_root_path") or connection.scope.get("root_path", "")
    response.set_cookie(
        name,
        value,
        max_age=int(lasts_s),
        path=mount or "/",
        httponly=True,
        secure=connection.url.scheme in ("https", "wss"),
        # Lax, not Strict: a link to the machine in a chat or a wiki must find the login.
        samesite="lax",
    )


def _remembered(path: Path, cost: str) -> dict[str, float]:
    """What *path* remembers; *cost* says what its loss would mean."""
    try:
        return {str(k): float(v) for k, v in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        logger.warning("%s is damaged; %s: %s", path, cost, error)
        return {}


__all__ = ["ClaimsInvalid", "LoginPolicy", "Logins"]
