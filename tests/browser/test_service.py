"""The whole service on real parts: machines on QEMU, people in Debian's Chromium and Firefox."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.host import MEMTEST_ISO, Host
from support.machine import Monitor, RunningMachine, Serial
from support.processes import free_port, vnc_server, wait_until, webvdi
from support.screen import x_screen
from support.viewer import Rgb
from support.visit import PHONE, Browsers, Visit, article

pytestmark = [pytest.mark.qemu, pytest.mark.browser, pytest.mark.timeout(600)]

GUESTS = Path(os.environ.get("WEBVDI_TEST_CACHE") or Path.home() / ".cache/webvdi-test")
BOTH = ["chromium", "firefox"]

TERMINAL = (500, 450)
"""A place in the terminal that the small guest opens by itself."""

MEMTEST_BLUE = (0, 0, 168)


@dataclass
class Service:
    """A running ``webvdi serve`` with the machine *lab*: the small guest, its desktop up."""

    host: Host
    url: str
    browsers: Browsers

    @contextmanager
    def owner(self, browser: str, width: int = 1280, height: int = 800) -> Iterator[Visit]:
        """The owner comes with this browser, by a login link, to the list of machines."""
        with self.browsers.visit(browser, width, height) as visit:
            visit.open(f"{self.host.json('url')['url']}&all=1")
            visit.reads("lab", "article")
            yield visit

    def at_screen(self, visit: Visit, machine: str = "lab", **query: str) -> None:
        """The owner, logged in, goes to a machine's screen."""
        more = "".join(f"&{key}={value}" for key, value in query.items())
        visit.open(f"{self.url}view?m={machine}{more}")
        visit.wait_live()

    def link(self, *options: str) -> str:
        """A new share link to *lab*."""
        return str(self.host.json("share", "create", "lab", *options)["url"])

    @property
    def lab(self) -> RunningMachine:
        return self.host.running("lab")


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsers]:
    browsers = Browsers(tmp_path_factory.mktemp("browsers"))
    yield browsers
    browsers.close()


@pytest.fixture(scope="module")
def service(browsers: Browsers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    tmp = tmp_path_factory.mktemp("service")
    (tmp / "run").mkdir()
    (tmp / "state").mkdir()
    GUESTS.mkdir(parents=True, exist_ok=True)
    (tmp / "state/cache").symlink_to(GUESTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp / "run"))
        host = Host(tmp)
        with host.serving() as (_, address):
            try:
                host.json("machine", "create", "lab", "--guest", "tiny")
                host.running("lab").wait_for_desktop()
                yield Service(host, f"http://{address}/", browsers)
            finally:
                for machine in host.json("machine", "list"):
                    host.run("machine", "delete", machine["name"], "--yes")
        assert not list(host.state.glob("machines/*/run.json"))


def keep(visit: Visit, name: str) -> None:
    """Keep what the browser shows where WEBVDI_TEST_SCREENSHOTS says, for people to look at."""
    place = os.environ.get("WEBVDI_TEST_SCREENSHOTS")
    if place:
        (Path(place) / f"{name}.png").write_bytes(visit.tab.screenshot())


@contextmanager
def standing_still(machine: RunningMachine, scratch: Path) -> Iterator[Callable[[], Rgb]]:
    """The machine stands still; what QEMU itself has on the screen."""
    with machine.monitor() as monitor:
        monitor.execute("stop")
        try:
            yield lambda: _screendump(monitor, scratch)
        finally:
            monitor.execute("cont")


def _screendump(monitor: Monitor, scratch: Path) -> Rgb:
    return monitor.screendump(scratch)


def equal(shown: Rgb | None, real: Rgb) -> bool:
    return shown is not None and np.array_equal(shown, real)


# ---------------------------------------------------------------- the way in, the list


@pytest.mark.parametrize("browser", BOTH)
def test_a_link_signs_in_once(service: Service, browser: str) -> None:
    link = service.host.json("url")["url"]
    with service.browsers.visit(browser) as stranger:
        stranger.open(service.url)
        stranger.reads("Sign in to webvdi")
        stranger.open(f"{link}&all=1")
        stranger.reads("lab", "article")
        assert "token" not in stranger.address
    with service.browsers.visit(browser) as late:
        late.open(link)
        late.reads("each works once")


@pytest.mark.parametrize("browser", BOTH)
def test_the_small_picture_is_the_machines_screen(
    service: Service, browser: str, tmp_path: Path
) -> None:
    selector = f"{article(service.host.machine('lab')['id'])} .thumb img"
    with (
        service.owner(browser) as owner,
        standing_still(service.lab, tmp_path / "screen") as screen,
    ):
        real = Image.fromarray(screen())

        def same() -> bool:
            shown = owner.image(selector)
            if shown is None:
                return False
            small = real.resize(shown.shape[1::-1], Image.Resampling.BOX)
            difference = np.abs(shown.astype(int) - np.asarray(small).astype(int))
            # A JPEG of a screen seen from afar: near everywhere, and nowhere another picture.
            return float(difference.mean()) < 4 and float((difference > 64).mean()) < 0.01

        wait_until(same, "the small picture to be the screen")
        keep(owner, f"e2e-machines-{browser}")


# ---------------------------------------------------------------- machines made and ended


@pytest.mark.parametrize("browser", BOTH)
def test_a_machine_of_the_guest_list(
    service: Service, browser: str, record_property: Callable[[str, object], None]
) -> None:
    name = f"fresh-{browser}"
    host = service.host
    with service.owner(browser) as owner:
        owner.click("button", "New machine")
        owner.click("choice", _tiny_title(host))
        owner.fill("Name", name)
        keep(owner, f"e2e-new-machine-{browser}")
        owner.click("button", "Create")
        began = time.monotonic()
        wait_until(lambda: _known(host, name), "the machine")
        card = article(host.machine(name)["id"])
        owner.reads("Running", card)
        owner.wait_for(
            f"() => document.querySelector({json.dumps(card + ' .thumb img')})?.naturalWidth",
            "its small picture",
        )
        record_property("create_to_small_picture_s", round(time.monotonic() - began, 1))
        owner.click("link", "Open", card)
        owner.wait_live()
        record_property("create_to_screen_s", round(time.monotonic() - began, 1))
        host.running(name).wait_for_desktop()
        record_property("create_to_desktop_s", round(time.monotonic() - began, 1))
        owner.show_bar()
        owner.click("button", "All machines")
        owner.choose(name, "Shut down")
        owner.reads("Off", card)  # it listens to its power button
        assert host.machine(name)["exit_reason"] == "shut_down"
        owner.click("button", "Start", card)
        owner.reads("Running", card)
        owner.choose(name, "Switch off…")
        owner.click("button", "Switch off")
        owner.reads("Off", card)
        owner.choose(name, "Delete…")
        owner.fill(f"Type {name} to confirm", name)
        owner.click("button", "Delete")
        owner.reads(f"{name} was deleted")
        assert not _known(host, name)


@pytest.mark.parametrize("browser", BOTH)
def test_a_machine_of_an_uploaded_iso(service: Service, browser: str, tmp_path: Path) -> None:
    name, host = f"memtest-{browser}", service.host
    iso = tmp_path / f"{name}.iso"
    iso.write_bytes(Path(MEMTEST_ISO).read_bytes())
    with service.owner(browser) as owner:
        owner.click("button", "New machine")
        owner.reads("Upload an ISO or a disk")
        owner.tab.put_file("dialog input[type=file]", iso)
        owner.wait_for(
            "() => document.querySelector('dialog input[type=radio]:checked')"
            f"?.closest('label').innerText.includes('{name}.iso')",
            "the uploaded file to be chosen",
        )
        assert owner.read("Name") == name
        owner.fill("Memory", "128")
        owner.fill("Disk", "1")
        owner.click("button", "Create")
        wait_until(lambda: _known(host, name), "the machine")
        card = article(host.machine(name)["id"])
        owner.reads("Running", card)

        service.at_screen(owner, name, scale="off")
        owner.until(lambda: _blue(owner.picture()), "memtest86+", patience_s=60)
        for action, state in (("Pause", "paused"), ("Resume", "running")):
            owner.show_bar()
            owner.click("button", "Power")
            owner.click("menuitem", action)
            wait_until(lambda state=state: host.machine(name)["state"] == state, state)  # type: ignore[misc]
        owner.open(f"{service.url}?all=1")
        owner.choose(name, "Save and switch off")
        owner.reads("Saved", card)
        owner.click("button", "Start", card)
        owner.reads("Running", card)
        service.at_screen(owner, name, scale="off")
        wait_until(lambda: _blue(owner.picture()), "memtest86+ again")
        with standing_still(host.running(name), tmp_path / "screen") as screen:
            real = screen()
            wait_until(lambda: equal(owner.picture(), real), "the picture to be the screen")
        owner.open(f"{service.url}?all=1")
        owner.choose(name, "Delete…")
        owner.fill(f"Type {name} to confirm", name)
        owner.click("button", "Delete")
        owner.reads(f"{name} was deleted")


def _known(host: Host, name: str) -> bool:
    return name in [machine["name"] for machine in host.json("machine", "list")]


def _tiny_title(host: Host) -> str:
    return str(next(g["title"] for g in host.json("guest", "list") if g["name"] == "tiny"))


def _blue(picture: Rgb | None) -> bool:
    return picture is not None and bool((picture == MEMTEST_BLUE).all(axis=2).mean() > 0.5)


# ---------------------------------------------------------------- one screen


@pytest.mark.parametrize("browser", BOTH)
def test_the_picture_is_the_screen_to_the_bit(
    service: Service, browser: str, tmp_path: Path
) -> None:
    with service.owner(browser) as owner:
        service.at_screen(owner, scale="off")
        with standing_still(service.lab, tmp_path / "screen") as screen:
            real = screen()
            wait_until(lambda: equal(owner.picture(), real), "the picture to be the screen")
        keep(owner, f"e2e-viewer-{browser}")


@pytest.mark.parametrize("browser", BOTH)
def test_what_stands_beside_the_screen(service: Service, browser: str) -> None:
    with service.owner(browser) as owner:
        service.at_screen(owner)
        owner.show_bar()
        owner.click("button", "More")
        owner.click("menuitem", "Settings…")
        owner.reads("These can be changed while the machine is off", "#panel")
        owner.fill("Notes", f"for {browser}")
        owner.click("button", "Save", "#panel")
        owner.reads("Saved", "#panel")
        assert service.host.machine("lab")["notes"] == f"for {browser}"

        owner.click("tab", "Console")
        owner.reads("webvdi-guest: desktop ready", "#panel")
        owner.fill("Type a line", "echo $((6 * 7))-is-the-answer")
        owner.tab.press("Enter")
        owner.reads("42-is-the-answer", "#panel")
        keep(owner, f"e2e-console-{browser}")

        owner.click("tab", "Log")
        owner.reads("It was made.", "#panel")


# ---------------------------------------------------------------- several people


class Typed:
    """What a program in the guest's terminal was given to read, ``cat > typed``."""

    def __init__(self, serial: Serial) -> None:
        self._serial = serial
        serial.run("rm -f /home/user/typed")

    def started(self) -> bool:
        """Whether the program runs; before, a terminal may lose what is typed."""
        return "there" in self._serial.run("test -e /home/user/typed && echo there")

    def __call__(self) -> str:
        return self._serial.run("cat /home/user/typed")


@contextmanager
def typing_noted(service: Service) -> Iterator[Typed]:
    """The side from which the guest tells what was typed."""
    with service.lab.serial() as serial:
        yield Typed(serial)


def joined(visit: Visit, link: str, name: str) -> None:
    """Come by a share link."""
    visit.open(link)
    visit.fill("Your name", name)
    visit.click("button", "Join")
    visit.wait_live()


def take_part(visit: Visit) -> None:
    """Wait until the page has the keyboard and may act."""
    visit.wait_for("() => window.webvdi.viewer.canInput", "to be allowed to act")
    visit.tab.click(*visit.on_screen(*TERMINAL))
    visit.tab.evaluate("() => window.webvdi.viewer.focus()")


@pytest.mark.parametrize(("at_home", "away"), [BOTH, BOTH[::-1]])
def test_two_people_at_one_machine(service: Service, at_home: str, away: str) -> None:
    with (
        service.owner(at_home) as owner,
        service.browsers.visit(away) as guest,
        typing_noted(service) as typed,
    ):
        service.at_screen(owner)
        take_part(owner)
        owner.tab.type("cat > typed\n")
        wait_until(typed.started, "the program")
        owner.tab.type("one\n")
        wait_until(lambda: typed() == "one\n", "the owner's line")

        joined(guest, _shared_by_page(owner), "Aiko")
        guest.wait_for("() => window.webvdi.viewer.company.holder", "who acts")
        assert guest.tab.evaluate("() => window.webvdi.viewer.canInput") is False
        guest.tab.click(*guest.on_screen(*TERMINAL))
        guest.tab.type("two\n")  # goes nowhere
        guest.show_bar()
        guest.click("button", "Ask for control")
        guest.reads("You asked Owner for control", "#control")
        owner.reads("Aiko asks for control", "#toast")
        keep(owner, f"e2e-control-asked-{at_home}")
        owner.click("button", "Give control", "#toast")
        guest.reads("You are in control", "#control")
        take_part(guest)
        guest.tab.type("three\n")
        wait_until(lambda: typed() == "one\nthree\n", "the guest's line, and no other")

        owner.show_bar()
        keep(owner, f"e2e-people-{at_home}")
        owner.click("button", "Take control", "#control")
        guest.wait_for("() => !window.webvdi.viewer.canInput", "the guest's loss of control")
        guest.tab.type("four\n")  # goes nowhere
        take_part(owner)
        owner.tab.type("five\n")
        wait_until(lambda: typed() == "one\nthree\nfive\n", "the owner's line, and no other")
        owner.tab.press("Control+d")


def _shared_by_page(owner: Visit) -> str:
    """The owner makes a link with which one may act."""
    owner.show_bar()
    owner.click("button", "More")
    owner.click("menuitem", "Share…")
    owner.click("choice", "View and control")
    owner.select("Ends after", "7200")
    owner.click("button", "Create link")
    link = owner.read("Link")
    owner.click("button", "Close", "dialog .box-foot")
    return link


_NOTE_REVOKE = """() => {
    const real = window.fetch;
    window.fetch = async (address, init) => {
        const answer = await real(address, init);
        if (init?.method === 'DELETE') {
            window.answered = performance.timeOrigin + performance.now();
        }
        return answer;
    };
}"""

_NOTE_END = """() => {
    window.webvdi.viewer.addEventListener('statechange', ({ detail }) => {
        if (detail.state === 'ended') window.ended = performance.timeOrigin + performance.now();
    });
}"""


@pytest.mark.parametrize(("at_home", "away"), [BOTH, BOTH[::-1]])
def test_a_revoked_link_ends_its_page_at_once(
    service: Service, at_home: str, away: str, record_property: Callable[[str, object], None]
) -> None:
    with service.owner(at_home) as owner, service.browsers.visit(away) as guest:
        joined(guest, service.link("--view", "--label", "Ben"), "Ben")
        guest.tab.evaluate(_NOTE_END)
        owner.choose("lab", "Share…")
        owner.reads("Ben", "dialog")
        owner.tab.evaluate(_NOTE_REVOKE)
        owner.click("button", "Revoke: Ben")
        wait_until(lambda: "Ben" not in owner.words("dialog .share-list"), "its end in the list")
        guest.reads("Your access to this machine was taken back")
        keep(guest, f"e2e-revoked-{away}")
        latency_ms = guest.tab.evaluate("() => window.ended") - owner.tab.evaluate(
            "() => window.answered"
        )
        record_property(f"revoked_{away}_ms", round(latency_ms, 1))
        assert latency_ms < 1000
        # Nor is there a way back.
        guest.open(f"{service.url}view?m=lab")
        guest.reads("This link does not work any more")


@pytest.mark.parametrize("browser", BOTH)
def test_a_link_ends_in_the_middle_of_a_visit(service: Service, browser: str) -> None:
    with service.browsers.visit(browser) as guest:
        link = service.link("--view", "--expires", "10s")
        joined(guest, link, "Chika")
        guest.reads("Your access to this machine was taken back")
        guest.open(link)
        guest.click("button", "Join")
        guest.reads("This link does not work any more")


# ---------------------------------------------------------------- small, and in Japanese


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("browser", BOTH)
def test_on_a_phone(service: Service, browser: str, language: str) -> None:
    machines, people = {"en": ("Machines", "People"), "ja": ("マシン", "参加者")}[language]
    with service.owner(browser, *PHONE) as owner:
        owner.open(f"{service.url}?all=1&lang={language}")
        owner.reads(machines, "h1")
        owner.reads("lab", "article")
        assert owner.width_needed() <= PHONE[0]
        keep(owner, f"e2e-machines-phone-{language}-{browser}")
        service.at_screen(owner, lang=language)
        owner.show_bar()
        assert owner.width_needed() <= PHONE[0]
        keep(owner, f"e2e-viewer-phone-{language}-{browser}")
        owner.click("button", people)
        owner.wait_for("() => !document.getElementById('panel').hidden", "who is here")
        assert owner.width_needed() <= PHONE[0]


@pytest.mark.parametrize("browser", BOTH)
def test_the_other_language_is_chosen_and_kept(service: Service, browser: str) -> None:
    with service.owner(browser) as owner:
        owner.click("button", "More", "header")
        owner.click("menuitem", "日本語")
        owner.reads("マシン", "h1")
        owner.reads("実行中", "article")
        service.at_screen(owner)
        assert owner.tab.evaluate("() => document.documentElement.lang") == "ja"
        keep(owner, f"e2e-viewer-ja-{browser}")


# ---------------------------------------------------------------- displays of others


@pytest.fixture(scope="module")
def displays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ...]]:
    tmp = tmp_path_factory.mktemp("displays")
    with vnc_server(tmp) as left, vnc_server(tmp) as right:
        left.run("xsetroot", "-solid", "#2f5d7c")
        right.run("xsetroot", "-solid", "#7c3f2f")
        targets = [f"tcp:127.0.0.1:{server.port}" for server in (left, right)]
        address = f"127.0.0.1:{free_port()}"
        with webvdi(
            "view", *targets, "--no-open", "--no-auth", "--listen", address, tmp=tmp
        ) as program:
            program.said("Open ")
            yield f"http://{address}/", left, right


@pytest.mark.parametrize("browser", BOTH)
def test_displays_side_by_side(browsers: Browsers, displays: tuple[Any, ...], browser: str) -> None:
    url, *servers = displays
    with browsers.visit(browser) as visit:
        visit.open(url)
        card = ""
        for server in servers:
            card = _card_of(visit, server.port)
            colour = x_screen(server)[240, 320]

            def coloured(card: str = card, colour: Rgb = colour) -> bool:
                shown = visit.image(f"{card} .thumb img")
                return shown is not None and bool(
                    (np.abs(shown.astype(int) - colour.astype(int)) < 8).all()
                )

            wait_until(coloured, "its small picture")
        keep(visit, f"e2e-displays-{browser}")
        visit.click("link", "Open", card)
        visit.wait_live()
        visit.tab.move(3, 3)
        visit.tab.move(2, 2)
        wait_until(lambda: equal(visit.picture(), x_screen(server)), "the picture to be the screen")


def _card_of(visit: Visit, port: int) -> str:
    """The card of the display at this port."""
    script = """(port) => [...document.querySelectorAll('article')].find(
        (each) => each.innerText.includes(port))?.dataset.machine"""
    return article(wait_until(lambda: visit.tab.evaluate(script, str(port)), "the display's card"))
