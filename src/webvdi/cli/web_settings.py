"""What a supervisor tells its web process, through a file and the environment.

Apart from the web process itself, for that is what a supervisor must not load: it lives as long as
the service, and is small.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from webvdi.base.files import write_atomic
from webvdi.base.paths import Places

PASSWORD_VARIABLE = "WEBVDI_VNC_PASSWORD"  # noqa: S105 — the variable's name
"""Where the supervisor leaves the VNC password: an environment is its owner's, and on no disk."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What a web process needs to know.  Paths and numbers only: it goes through a file."""

    run: str
    key_file: str
    state: str
    cache: str
    cookie_name: str
    mode: Literal["service", "view"] = "service"
    displays: tuple[dict[str, object], ...] = ()
    """What ``view`` shows: the fields of each target."""
    url: str | None = None
    """Where browsers come to, for links that the command line prints."""
    autostart: bool = False
    """Start the machines that are to start with the service; once, also over restarts."""
    auth: bool = True
    any_host: bool = True
    certificate: str | None = None
    certificate_key: str | None = None
    trusted_proxies: str | None = None

    def write(self, path: Path) -> None:
        """Keep them at *path*, for their owner's eyes."""
        write_atomic(path, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, path: Path) -> "WebSettings":
        """What :meth:`write` wrote."""
        values = json.loads(path.read_bytes())
        return cls(**{**values, "displays": tuple(values["displays"])})

    @property
    def places(self) -> Places:
        """Where things live."""
        return Places(Path(self.state), Path(self.cache), Path(self.run))
