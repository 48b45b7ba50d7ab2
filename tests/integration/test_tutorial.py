"""docs/tutorial/first-service.md: its own commands, in their order, on a real QEMU.

Two things are put in place of what stands there: what ``scripts/demo`` runs once it has set up a
Python environment, and the id of a share, as a reader does.  What the pages show is not looked at.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from support.browserless import Site, status_of
from support.processes import Program, free_port, wait_until

pytestmark = pytest.mark.qemu

ROOT = Path(__file__).parents[2]
GUESTS = Path(os.environ.get("WEBVDI_TEST_CACHE") or Path.home() / ".cache/webvdi-test")
SERVE = "webvdi serve\n"
SHARE = "s-0123456789"
"""What stands in the tutorial for an id that `share list` printed."""


def blocks() -> list[str]:
    """The tutorial's commands, in their order."""
    text = (ROOT / "docs/tutorial/first-service.md").read_text()
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@dataclass
class Reader:
    """Somebody who types what stands there, in a directory of their own."""

    tmp: Path
    port: int = field(default_factory=free_port)

    @property
    def env(self) -> dict[str, str]:
        """What tells this reader's webvdi from others; the commands stay as they are."""
        return {
            "WEBVDI_STATE": str(self.tmp / "state"),
            "WEBVDI_LISTEN": f"127.0.0.1:{self.port}",
            "WEBVDI_NO_OPEN": "1",
            "XDG_RUNTIME_DIR": str(self.tmp / "run"),
            "PATH": f"{self.tmp / '.venv/bin'}:{os.environ['PATH']}",
        }

    def types(self, block: str) -> str:
        """Run a block; what it printed."""
        # The script sets up a Python environment, in which this test runs already.
        block = block.replace("scripts/demo --help", "webvdi demo --help")
        done = subprocess.run(
            ["sh", "-eu", "-c", block],
            cwd=self.tmp,
            env=os.environ | self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{block}{done.stdout}{done.stderr}"
        return done.stdout

    def serve(self) -> Program:
        """The block that stays in its terminal."""
        argv = ["sh", "-c", f"exec {SERVE}"]
        return Program(argv, self.tmp / "serve.log", self.env)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "run").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / ".venv").symlink_to(sys.prefix)
    GUESTS.mkdir(parents=True, exist_ok=True)
    (tmp_path / "state/cache").symlink_to(GUESTS)
    reader = Reader(tmp_path)
    yield reader
    reader.types("if webvdi machine list | grep -q lab; then webvdi machine delete lab --yes; fi")
    assert not list((tmp_path / "state").glob("machines/*/run.json"))


def joined(link: str, name: str) -> Site:
    """The site, for somebody who came by a share link."""
    base, _, token = link.partition("join#")
    jar = CookieJar()
    opener = build_opener(HTTPCookieProcessor(jar))
    body = f'{{"token": "{token}", "name": "{name}"}}'.encode()
    headers = {"Content-Type": "application/json"}
    with opener.open(Request(f"{base}api/v1/join", body, headers), timeout=30) as answer:
        assert answer.status == 200
    (cookie,) = jar
    return Site(base, f"{cookie.name}={cookie.value}")


def link_in(printed: str) -> str:
    found = re.search(r"http://\S+join#\S+", printed)
    assert found is not None, printed
    return found[0]


def test_every_command_does_what_the_tutorial_says(reader: Reader) -> None:
    setup, serve, path, make, settings, view, control, revoke, look, again, delete = blocks()
    assert serve == SERVE
    assert "QEMU" in reader.types(setup)
    service = reader.serve()
    try:
        service.said("Serving on")
        reader.types(path)
        assert re.search(r"^lab +running", reader.types(make), re.MULTILINE)
        assert "lab.png" in reader.types(settings)
        assert (reader.tmp / "lab.png").read_bytes().startswith(b"\x89PNG")

        colleague = joined(link_in(reader.types(view)), "Aiko")
        assert colleague.get("api/v1/me")["role"] == "observer"
        assert [m["name"] for m in colleague.get("api/v1/machines")] == ["lab"]  # type: ignore[index]
        helper = joined(link_in(reader.types(control)), "Aiko")
        assert helper.get("api/v1/me")["role"] == "controller"
        assert "A colleague" in reader.types("webvdi share list lab")
        share = colleague.get("api/v1/me")["share"]
        assert isinstance(share, dict)
        assert SHARE in revoke
        reader.types(revoke.replace(SHARE, share["id"]))
        wait_until(lambda: status_of(lambda: colleague.get("api/v1/me")) == 401, "its end")
        assert helper.get("api/v1/me")["role"] == "controller"
        assert_every_file_is_described(reader.tmp)
    finally:
        service.interrupt()

    assert re.search(r"^lab +running", reader.types(look), re.MULTILINE)
    assert "lab is off" in reader.types(again)
    reader.types(delete)
    assert "no machine" in reader.types("webvdi machine list")


def assert_every_file_is_described(tmp: Path) -> None:
    """What lies about is in docs/reference/files.md, where words in capitals stand for others."""
    text = (ROOT / "docs/reference/files.md").read_text()
    patterns = [
        re.sub(r"\b[A-Z]+\b", "*", name)
        for row in re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    ]
    run = next((tmp / "run").glob("webvdi-*"))
    there = [
        str(path.relative_to(top))
        for top in (tmp / "state", run)
        for path in top.rglob("*")
        if not path.is_dir() and not path.is_symlink()
    ]
    assert len(there) > 20
    unknown = [path for path in there if not any(fnmatch(path, known) for known in patterns)]
    assert not unknown
