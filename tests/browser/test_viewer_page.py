"""The viewer's page in real Chromium, on a real VNC server behind ``webvdi view``."""

import itertools
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from support.page import ViewerPage, chromium, viewer_page
from support.processes import VncServer, free_port, gone, vnc_server, wait_until, webvdi
from support.screen import x_screen

XTERM = ("xterm", "-fa", "DejaVu Sans Mono", "-fs", "10")

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def vnc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VncServer]:
    with vnc_server(tmp_path_factory.mktemp("vnc")) as server:
        server.run("xsetroot", "-solid", "#2f5d7c")
        yield server


@dataclass
class Served:
    """A running ``webvdi view`` and its files."""

    url: str
    run: Path

    def pid(self, name: str) -> int:
        pattern = f"webvdi/view-*/{name}.pid"
        (file,) = wait_until(lambda: list(self.run.glob(pattern)), f"the {name} process")
        return int(file.read_text())


@contextmanager
def serving(vnc: VncServer, tmp_path: Path, *more: str) -> Iterator[Served]:
    port = free_port()
    target = f"tcp:127.0.0.1:{vnc.port}"
    with webvdi(
        "view", target, "--no-open", "--listen", f"127.0.0.1:{port}", *more, tmp=tmp_path
    ) as program:
        yield Served(program.said(r"Open +(https?://\S+)")[1], tmp_path / "run")


@pytest.fixture(scope="module")
def served(vnc: VncServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(vnc, tmp_path_factory.mktemp("view"), "--no-auth") as served:
        yield served


@contextmanager
def open_page(
    browser: Browser, served: Served, query: str = "?scale=off", **options: object
) -> Iterator[ViewerPage]:
    with viewer_page(browser, **options) as page:  # type: ignore[arg-type]
        come_in(page, served, query)
        yield page


def come_in(page: ViewerPage, served: Served, query: str = "?scale=off") -> None:
    """Open the page and wait for its picture."""
    page.open(served.url + query)
    page.wait_live()
    # TigerVNC draws the pointer into the picture until its client has moved it.
    page.page.mouse.move(3, 3)
    page.page.mouse.move(2, 2)


def shows(page: ViewerPage, vnc: VncServer) -> None:
    """Wait until the canvas equals the X server's screen, pixel for pixel."""

    def equal() -> bool:
        picture = page.picture()
        return picture is not None and np.array_equal(picture, x_screen(vnc))

    wait_until(equal, "the page to equal the screen")


@contextmanager
def window(vnc: VncServer, *arguments: str) -> Iterator[None]:
    """An X program on the server."""
    process = subprocess.Popen(
        arguments, env=os.environ | {"DISPLAY": vnc.display}, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def test_at_scale_off_the_page_itself_is_the_screen(
    browser: Browser, served: Served, vnc: VncServer
) -> None:
    with window(vnc, *XTERM, "-geometry", "60x20+30+30"), open_page(browser, served) as page:
        shows(page, vnc)
        # Tool bars hide: from the top left corner on, the page's own pixels are the screen's.
        wait_until(
            lambda: np.array_equal(page.screenshot()[:480, :640], x_screen(vnc)),
            "the page's pixels to be the screen's",
        )


def test_a_photograph_ends_exact(
    browser: Browser, served: Served, vnc: VncServer, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.xwd"
    photo.write_bytes(as_photograph(vnc.run("xwd", "-root", "-silent")))
    with open_page(browser, served) as page, window(vnc, "xwud", "-in", str(photo)):
        wait_until(lambda: b"xwud" in vnc.run("xwininfo", "-root", "-tree"), "the photograph")
        page.wait_for("() => window.webvdi.viewer.stats().codecs.jpeg > 0", "a JPEG")
        shows(page, vnc)


def as_photograph(dump: bytes) -> bytes:
    """An xwd dump with its pixels replaced by a smooth, noisy picture."""
    header_size, colours = (int.from_bytes(dump[i : i + 4], "big") for i in (0, 76))
    start = header_size + 12 * colours
    rows, columns = np.mgrid[0:480, 0:640]
    noise = np.random.default_rng(5).integers(0, 24, (480, 640, 4))
    waves = np.stack([rows / 3, columns / 4, (rows + columns) / 6, rows * 0], axis=2)
    return dump[:start] + (waves + noise).astype(np.uint8).tobytes()


def test_typing_reaches_a_program(
    browser: Browser, served: Served, vnc: VncServer, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    shell = f'read line; echo "$line" > {proof}'
    with (
        window(vnc, *XTERM, "-geometry", "60x10+0+0", "-e", "sh", "-c", shell),
        open_page(browser, served) as page,
    ):
        shows(page, vnc)
        page.page.mouse.move(100, 60)
        page.page.mouse.click(100, 60)
        page.type('Hello, World! ~{}|<>?:"_+\n')
        wait_until(proof.exists, "the line")
        assert proof.read_text() == 'Hello, World! ~{}|<>?:"_+\n'


def test_keys_held_are_released_when_the_page_loses_the_focus(
    browser: Browser, served: Served, vnc: VncServer, tmp_path: Path
) -> None:
    with (
        vnc.events(tmp_path, "-geometry", "300x200+50+50", "-event", "keyboard") as log,
        open_page(browser, served) as page,
    ):
        page.page.mouse.click(150, 120)
        page.page.keyboard.down("a")
        wait_until(lambda: "KeyPress" in log.read_text(), "the key to go down")
        page.evaluate("() => window.dispatchEvent(new Event('blur'))")
        wait_until(lambda: "KeyRelease" in log.read_text(), "the key to come up")


def test_a_second_tab_sees_the_same_and_outlives_the_first(
    browser: Browser, served: Served, vnc: VncServer
) -> None:
    with open_page(browser, served) as second:
        with open_page(browser, served) as first:
            shows(first, vnc)
            shows(second, vnc)
        vnc.run("xsetroot", "-solid", "#446622")
        shows(second, vnc)
        vnc.run("xsetroot", "-solid", "#2f5d7c")


@pytest.mark.parametrize("victim", ["web", "managed"])
def test_the_page_comes_back_by_itself_and_keeps_its_picture(
    browser: Browser, vnc: VncServer, tmp_path: Path, victim: str
) -> None:
    with serving(vnc, tmp_path, "--no-auth") as served, open_page(browser, served) as page:
        shows(page, vnc)
        before = page.picture()
        pid = served.pid(victim)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: gone(pid), "its end")
        page.wait_for("() => window.webvdi.viewer.state !== 'live'", "the page to notice")
        assert np.array_equal(page.picture(), before), "the picture was not kept"  # type: ignore[arg-type]
        vnc.run("xsetroot", "-solid", "#772255")
        page.wait_live()
        shows(page, vnc)
        vnc.run("xsetroot", "-solid", "#2f5d7c")


def test_a_hidden_tab_is_sent_nothing_and_catches_up(
    browser: Browser, served: Served, vnc: VncServer
) -> None:
    with open_page(browser, served) as page:
        shows(page, vnc)
        hide = """(hidden) => {
            Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
            Object.defineProperty(document, 'visibilityState',
                { value: hidden ? 'hidden' : 'visible', configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
        }"""
        page.evaluate(hide, True)
        with open_page(browser, served) as witness:
            vnc.run("xsetroot", "-solid", "#991111")
            shows(witness, vnc)
            picture = page.picture()
            assert picture is not None
            assert not np.array_equal(picture, x_screen(vnc))
            page.evaluate(hide, False)
            shows(page, vnc)
        vnc.run("xsetroot", "-solid", "#2f5d7c")


# Safari drops the pixels of canvases while nobody sees them, and fires no event.
WIPE_LATER = """
    const made = [];
    window.OffscreenCanvas = class extends OffscreenCanvas {
        constructor(...size) {
            super(...size);
            made.push(this);
        }
    };
    window.wipe = () => made.forEach((canvas) => { canvas.width = canvas.width; });
"""


@pytest.mark.parametrize("event", ["pageshow", "visibilitychange"])
def test_what_the_browser_dropped_without_a_word_comes_anew(
    browser: Browser, served: Served, vnc: VncServer, event: str
) -> None:
    with viewer_page(browser) as page:
        page.page.add_init_script(WIPE_LATER)
        come_in(page, served)
        with window(vnc, *XTERM, "-geometry", "60x20+30+30"):
            page.wait_for("() => window.webvdi.viewer.stats().codecs.keep > 0", "tiles to be kept")
            shows(page, vnc)
            lost = page.evaluate(
                """(name) => {
                    const errors = [];
                    window.webvdi.viewer.addEventListener('statechange', ({ detail }) => (
                        errors.push(detail.error?.code)));
                    window.wipe();
                    (name === 'pageshow' ? window : document).dispatchEvent(new Event(name));
                    return errors;
                }""",
                event,
            )
            assert lost[0] == "picture_lost"
            page.wait_live()
            shows(page, vnc)
        shows(page, vnc)


# In each frame of the page: the picture's size, and whether all of it is black.
WATCH_SIZES = """() => {
    const { canvas } = window.webvdi.viewer;
    window.seen = [];
    const look = () => {
        const { width, height } = canvas;
        const copy = new OffscreenCanvas(width, height);
        const context = copy.getContext('2d', { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const words = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
        window.seen.push([width, height, words.every((word) => word === 0xff000000)]);
        requestAnimationFrame(look);
    };
    look();
}"""


def test_another_size_shows_no_black_picture_in_between(
    browser: Browser, served: Served, vnc: VncServer
) -> None:
    with open_page(browser, served) as page:
        shows(page, vnc)
        page.evaluate(WATCH_SIZES)
        for size in ("800x600", "640x480"):
            vnc.run("xrandr", "-s", size)
            shows(page, vnc)
        seen = page.evaluate("() => window.seen")
        assert [key for key, _ in itertools.groupby(seen)] == [
            [640, 480, False],
            [800, 600, False],
            [640, 480, False],
        ]


def test_view_only_is_the_servers_word(
    browser: Browser, served: Served, vnc: VncServer, tmp_path: Path
) -> None:
    with open_page(browser, served, "?scale=off&view_only=1") as page:
        shows(page, vnc)
        page.wait_for("() => window.webvdi.viewer.role === 'observer'", "the role")
        assert page.evaluate("() => window.webvdi.viewer.canInput") is False


@pytest.mark.parametrize(
    ("width", "height", "options"),
    [(1280, 800, {}), (390, 844, {"has_touch": True, "is_mobile": True}), (3840, 2160, {})],
)
def test_fit_shows_the_whole_screen_centred(
    browser: Browser,
    served: Served,
    vnc: VncServer,
    width: int,
    height: int,
    options: dict[str, bool],
) -> None:
    with open_page(browser, served, "?scale=fit", width=width, height=height, **options) as page:
        shows(page, vnc)
        box = page.evaluate("() => window.webvdi.viewer.canvas.getBoundingClientRect().toJSON()")
        assert box["left"] >= -0.5
        assert box["right"] <= width + 0.5
        assert box["bottom"] <= height + 0.5
        assert box["width"] / box["height"] == pytest.approx(640 / 480, rel=0.01)
        assert box["left"] == pytest.approx(width - box["right"], abs=2)  # snapped to device pixels
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_a_click_lands_where_it_was_made_also_when_scaled(
    browser: Browser, served: Served, vnc: VncServer, tmp_path: Path
) -> None:
    with vnc.events(tmp_path, "-geometry", "300x200+100+100", "-event", "button") as log:
        with open_page(browser, served, "?scale=fit", width=1000, height=900) as page:
            shows(page, vnc)
            box = page.evaluate(
                "() => window.webvdi.viewer.canvas.getBoundingClientRect().toJSON()"
            )
            scale = box["width"] / 640
            page.page.mouse.click(box["left"] + 200.5 * scale, box["top"] + 180.5 * scale)
            said = wait_until(
                lambda: log.read_text() if "ButtonRelease" in log.read_text() else "", "the click"
            )
        assert "root:(200,180)" in said


def test_a_tap_clicks_in_the_picture_and_nowhere_beside_it(
    browser: Browser, served: Served, vnc: VncServer, tmp_path: Path
) -> None:
    with vnc.events(tmp_path, "-geometry", "640x480+0+0", "-event", "button") as log:
        options = {"has_touch": True, "is_mobile": True}
        with open_page(browser, served, "?scale=fit", width=390, height=844, **options) as page:
            box = page.evaluate(
                "() => window.webvdi.viewer.canvas.getBoundingClientRect().toJSON()"
            )
            page.page.touchscreen.tap(20, box["bottom"] + 100)  # below the picture
            page.page.touchscreen.tap(box["left"] + box["width"] / 2, box["top"] + 50)
            wait_until(lambda: "ButtonRelease" in log.read_text(), "the tap")
        assert log.read_text().count("ButtonPress") == 1


def test_the_page_speaks_japanese(browser: Browser, served: Served) -> None:
    with open_page(browser, served, "?lang=ja") as page:
        assert page.evaluate("() => document.documentElement.lang") == "ja"
        labels = page.evaluate(
            "() => [...document.querySelectorAll('button')].map(b => b.ariaLabel || b.textContent)"
        )
        assert any("全画面" in label for label in labels), labels


def test_a_screenshot_is_the_picture(browser: Browser, served: Served, vnc: VncServer) -> None:
    import base64
    import io

    from PIL import Image

    with open_page(browser, served) as page:
        shows(page, vnc)
        png = page.evaluate(
            """async () => {
                const blob = await window.webvdi.viewer.screenshot();
                const bytes = new Uint8Array(await blob.arrayBuffer());
                return btoa(String.fromCharCode(...bytes));
            }"""
        )
        picture = Image.open(io.BytesIO(base64.b64decode(png)))
        assert np.array_equal(np.asarray(picture.convert("RGB")), x_screen(vnc))


# ---------------------------------------------------------------- getting in


def test_the_link_logs_in_once_and_the_cookie_stays(
    browser: Browser, vnc: VncServer, tmp_path: Path
) -> None:
    with serving(vnc, tmp_path) as served:
        home = served.url.partition("?")[0]
        with viewer_page(browser) as stranger:
            stranger.open(home)
            assert stranger.page.url.endswith("/login")
        with viewer_page(browser) as owner:
            owner.open(served.url)
            owner.wait_live()
            assert "token" not in owner.page.url
            owner.open(home)
            owner.wait_live()
        with viewer_page(browser) as late:
            late.open(served.url)
            assert "/login" in late.page.url
            assert late.page.locator("form").count() == 1


def test_a_password_is_asked_for_in_the_page(browser: Browser, tmp_path: Path) -> None:
    secret = tmp_path / "passwd"
    hashed = subprocess.run(
        ["vncpasswd", "-f"], input=b"letmein\n", capture_output=True, check=True
    )
    secret.write_bytes(hashed.stdout)
    secret.chmod(0o600)
    with (
        vnc_server(tmp_path, "-SecurityTypes", "VncAuth", "-PasswordFile", str(secret)) as vnc,
        serving(vnc, tmp_path, "--no-auth") as served,
        viewer_page(browser) as page,
    ):
        page.open(served.url + "?scale=off")
        field = page.page.locator("input[type=password]")
        field.wait_for(state="visible")
        field.fill("wrong")
        field.press("Enter")
        page.wait_for(
            "() => window.webvdi.viewer.machine.detail.includes('retry')", "the second question"
        )
        field.wait_for(state="visible")
        field.fill("letmein")
        field.press("Enter")
        page.wait_live()
        shows(page, vnc)


def test_over_tls_with_our_own_certificate(
    browser: Browser, vnc: VncServer, tmp_path: Path
) -> None:
    with serving(vnc, tmp_path, "--tls-self-signed") as served:
        assert served.url.startswith("https://")
        with viewer_page(browser, ignore_https_errors=True) as page:
            page.open(f"{served.url}&scale=off")
            page.wait_live()
            shows(page, vnc)


def test_no_server_is_said_in_the_page(browser: Browser, tmp_path: Path) -> None:
    nobody = VncServer("", free_port(), 0)
    with serving(nobody, tmp_path, "--no-auth") as served, viewer_page(browser) as page:
        page.open(served.url)
        wait_until(
            lambda: str(nobody.port) in page.evaluate("() => document.body.innerText"),
            "the page to name the server that does not answer",
        )
