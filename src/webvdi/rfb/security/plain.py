"""User name and password as they are, inside of an encrypted link (rfbproto: Plain subtype)."""

import struct

from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser
from webvdi.rfb.security.security_type import ask_credentials


class PlainAuthentication:
    """Known only within VeNCrypt, and used only where that encrypts."""

    def negotiate(self, link: Link, /) -> Parser[None]:
        """Tell both."""
        credentials = yield from ask_credentials(link, username=True)
        username, password = credentials.username.encode(), credentials.password.encode()
        link.send(struct.pack(">II", len(username), len(password)) + username + password)
