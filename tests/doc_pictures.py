"""Make the pictures of the documentation, of real machines: docs/images/*.png.

Run as ``.venv/bin/python tests/doc_pictures.py``, then look at each of them.  Guests come from, and
go to, the cache of the tests (``WEBVDI_TEST_CACHE``).
"""

import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from PIL import Image

from support.host import MEMTEST_ISO, Host
from support.processes import wait_until
from support.viewer import Rgb
from support.visit import PHONE, Browsers, Visit

IMAGES = Path(__file__).parents[1] / "docs/images"
GUESTS = Path(os.environ.get("WEBVDI_TEST_CACHE") or Path.home() / ".cache/webvdi-test")

DESK_TERMINAL = (110, 782)
"""Where the desk guest's panel has its terminal."""

MAX_BYTES = 200_000
COLOURS = (256, 128, 64, 32)


def small_png(png: bytes) -> bytes:
    """The picture as it is, or with a palette where it would be too large.

    A palette of a desktop's many shades has little room left for the one green dot of a page.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    candidates: list[Image.Image] = [picture]
    candidates += [picture.quantize(colours, dither=Image.Dither.NONE) for colours in COLOURS]
    packed = []
    for candidate in candidates:
        file = io.BytesIO()
        candidate.save(file, "PNG", optimize=True)
        packed.append(file.getvalue())
    return next((data for data in packed if len(data) < MAX_BYTES), packed[-1])


def changed_at_all(before: Rgb | None, now: Rgb | None) -> bool:
    """Whether much of the screen is another: a window came."""
    return before is not None and now is not None and float((before != now).mean()) > 0.05


class Pictures:
    """The service whose pictures are taken, and the people before it."""

    def __init__(self, host: Host, url: str, browsers: Browsers) -> None:
        self.host = host
        self.url = url
        self.browsers = browsers

    def keep(self, visit: Visit, name: str) -> None:
        time.sleep(1)  # what fades in or slides has come to rest
        (IMAGES / f"{name}.png").write_bytes(small_png(visit.tab.screenshot()))
        sys.stderr.write(f"docs/images/{name}.png\n")

    @contextmanager
    def owner(self, width: int = 1280, height: int = 800) -> Iterator[Visit]:
        with self.browsers.visit("chromium", width, height) as visit:
            visit.open(f"{self.host.json('url')['url']}&all=1")
            visit.reads("small-linux", "body")
            yield visit

    def populate(self) -> None:
        """A household of machines."""
        host = self.host
        small = ("--iso", MEMTEST_ISO, "--memory", "128", "--cpus", "1", "--disk-size", "1")
        host.json("machine", "create", "debian", "--guest", "desk", "--notes", "daily work")
        host.json("machine", "create", "small-linux", "--guest", "tiny")
        host.json("machine", "create", "memtest", *small)
        host.json("machine", "create", "archive", "--guest", "tiny", "--no-start")
        host.running("small-linux").wait_for_desktop()
        wait_until(
            lambda: "webvdi-guest: desktop ready" in host.running("debian").serial_log,
            "the desk guest's desktop",
            patience_s=600,
        )
        host.json("machine", "pause", "memtest")

    def of_the_list(self) -> None:
        with self.owner() as owner:
            for name in ("debian", "small-linux", "memtest"):
                card = f"[data-machine={self.host.machine(name)['id']}]"
                owner.wait_for(
                    f"() => document.querySelector('{card} .thumb img').naturalWidth", name
                )
            self.keep(owner, "machines")
            owner.click("button", "New machine")
            owner.click("choice", "Debian")
            owner.fill("Memory", "2048")
            self.keep(owner, "new-machine")
            owner.click("button", "Cancel")
            owner.choose("small-linux", "Share…")
            owner.click("choice", "View and control")
            owner.select("Ends after", "7200")
            owner.fill("For whom", "Aiko")
            owner.click("button", "Create link")
            owner.read("Link")
            self.keep(owner, "share")
            owner.click("button", "Close", "dialog .box-foot")
            owner.click("button", "More", "header")
            owner.click("menuitem", "日本語")
            owner.reads("マシン", "h1")
            self.keep(owner, "machines-ja")

    def of_people(self) -> None:
        link = self.host.json("share", "create", "small-linux", "--control")["url"]
        with self.owner() as owner, self.browsers.visit("chromium") as guest:
            owner.open(f"{self.url}view?m=small-linux")
            owner.wait_live()
            owner.tab.click(*owner.on_screen(500, 450))
            owner.tab.type("ls -l /\n")
            guest.open(link)
            guest.fill("Your name", "Aiko")
            guest.click("button", "Join")
            guest.wait_live()
            guest.show_bar()
            guest.click("button", "Ask for control")
            owner.show_bar()
            owner.click("button", "People")
            owner.reads("Aiko asks for control", "#control")
            guest.tab.move(*guest.on_screen(620, 300))
            guest.tab.move(*guest.on_screen(600, 330))
            self.keep(owner, "viewer-people")

    def of_a_phone(self) -> None:
        with self.owner(*PHONE) as owner:
            owner.open(f"{self.url}?all=1")
            owner.reads("small-linux", "article")
            owner.wait_for(
                "() => [...document.querySelectorAll('.thumb img')].filter("
                "(each) => each.naturalWidth).length >= 2",
                "small pictures",
            )
            self.keep(owner, "phone")

    def of_the_desk(self) -> None:
        with self.owner() as owner:
            owner.open(f"{self.url}view?m=debian")
            owner.wait_live()
            before = owner.picture()
            owner.tab.click(*owner.on_screen(*DESK_TERMINAL))
            owner.tab.move(*owner.on_screen(640, 400))  # what lies under it would explain itself
            wait_until(lambda: changed_at_all(before, owner.picture()), "the terminal")
            time.sleep(10)  # until its shell is there
            owner.tab.type("cat /etc/os-release\n")
            time.sleep(5)  # the tool bar goes by itself
            self.keep(owner, "desk")


def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory(prefix="webvdi-pictures-") as name:
        tmp = Path(name)
        for directory in ("run", "state"):
            (tmp / directory).mkdir()
        GUESTS.mkdir(parents=True, exist_ok=True)
        (tmp / "state/cache").symlink_to(GUESTS)
        os.environ["XDG_RUNTIME_DIR"] = str(tmp / "run")
        host, browsers = Host(tmp), Browsers(tmp)
        with host.serving() as (_, address):
            pictures = Pictures(host, f"http://{address}/", browsers)
            try:
                pictures.populate()
                pictures.of_the_list()
                pictures.of_people()
                pictures.of_a_phone()
                pictures.of_the_desk()
            finally:
                browsers.close()
                for machine in host.json("machine", "list"):
                    host.run("machine", "delete", machine["name"], "--yes")


if __name__ == "__main__":
    main()
