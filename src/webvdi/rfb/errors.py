"""What can go wrong with the server at the other end.

::

    RemoteProtocolError              anything else that breaks RFB's rules
    ├── NotRfbServer                 something answered that does not speak RFB
    ├── NoCommonSecurity             no way of logging in that both sides know
    ├── AuthenticationFailed         the server did not accept the password
    └── ServerRefused                the server closed the door and said why
"""

from webvdi.base.errors import RemoteProtocolError


class NotRfbServer(RemoteProtocolError):
    """Something answered that does not speak RFB."""


class NoCommonSecurity(RemoteProtocolError):
    """The server offers no security type that we have."""


class AuthenticationFailed(RemoteProtocolError):
    """The server did not accept what we logged in with."""


class ServerRefused(RemoteProtocolError):
    """The server ended the handshake and gave a reason."""
