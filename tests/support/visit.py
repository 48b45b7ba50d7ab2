"""One way to use a page, whichever browser shows it.

A test says what a person does: opens, clicks what is called so, fills in, reads.  Things are found
by what they are and by the words on them, and clicked where they can be seen, with real events.
"""

import base64
import io
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Error

from support.firefox import Firefox, firefox
from support.page import READ_PICTURE, ViewerPage, chromium, viewer_page
from support.processes import wait_until
from support.viewer import Rgb

PHONE = (360, 740)


class Tab(Protocol):
    """What a browser lets its driver do with a tab."""

    errors: list[str]
    """What went wrong in the page's scripts and was caught by nobody."""

    def open(self, url: str) -> None:
        """Load *url* and wait until it is loaded."""

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """What the function *script* makes of *argument* in the page, awaited; both JSON."""

    def move(self, x: int, y: int) -> None:
        """Move the pointer."""

    def click(self, x: int, y: int) -> None:
        """Click at a place of the page."""

    def press(self, key: str) -> None:
        """Press a key: a character, a name ("Enter"), or with modifiers ("Control+c")."""

    def type(self, text: str) -> None:
        """Type on a US keyboard, key by key."""

    def put_file(self, selector: str, file: Path) -> None:
        """Choose *file* in a file field."""

    def screenshot(self) -> bytes:
        """What the browser shows, as PNG."""


class BrowserProgram(Protocol):
    """A running browser."""

    def tab(self, width: int, height: int) -> AbstractContextManager[Tab]:
        """A tab of somebody else: with cookies of its own."""


class ChromiumTab:
    """A tab of Debian's Chromium."""

    def __init__(self, page: ViewerPage) -> None:
        self._page = page
        self.errors = page.errors
        self.open = page.open
        self.type = page.type
        self.move = page.page.mouse.move
        self.click = page.page.mouse.click
        self.press = page.page.keyboard.press
        self.screenshot = page.page.screenshot

    def evaluate(self, script: str, argument: Any = None) -> Any:
        try:
            return self._page.evaluate(script, argument)
        except Error as error:
            if "navigation" not in error.message:
                raise
            return self._page.evaluate(script, argument)  # once more, in the page that came

    def put_file(self, selector: str, file: Path) -> None:
        self._page.page.set_input_files(selector, file)


class ChromiumProgram:
    """Debian's Chromium."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @contextmanager
    def tab(self, width: int, height: int) -> Iterator[Tab]:
        touch = width < 600
        options = {"has_touch": touch, "is_mobile": touch}
        with viewer_page(self._browser, width=width, height=height, **options) as page:
            yield ChromiumTab(page)


class FirefoxProgram:
    """Debian's Firefox."""

    def __init__(self, browser: Firefox) -> None:
        self._browser = browser

    @contextmanager
    def tab(self, width: int, height: int) -> Iterator[Tab]:
        with self._browser.page(width=width, height=height) as page:
            yield page


class Browsers:
    """Both of them; each is started when somebody first comes with it."""

    def __init__(self, tmp: Path) -> None:
        self._tmp = tmp
        self._stack = ExitStack()
        self._running: dict[str, BrowserProgram] = {}

    def __getitem__(self, name: str) -> BrowserProgram:
        if name not in self._running:
            self._running[name] = (
                ChromiumProgram(self._stack.enter_context(chromium()))
                if name == "chromium"
                else FirefoxProgram(self._stack.enter_context(firefox(self._tmp)))
            )
        return self._running[name]

    @contextmanager
    def visit(self, name: str, width: int = 1280, height: int = 800) -> Iterator["Visit"]:
        """Somebody comes with this browser; a script that fails unnoticed fails the test."""
        with self[name].tab(width, height) as tab:
            visit = Visit(tab)
            yield visit
            assert not tab.errors, tab.errors

    def close(self) -> None:
        self._stack.close()


# Finds what a person would click: the topmost dialog hides what is below it, and so does whatever
# lies over a place.  Answers where it is once it stands still, null until then.
_FIND = """async ({ kind, name, within }) => {
    const KINDS = {
        button: 'button:not([role]), [role=button], a.button',
        menuitem: '[role^=menuitem]', tab: '[role=tab]', link: 'a[href]', choice: 'label',
        field: 'input, textarea, select',
    };
    const words = (text) => (text ?? '').replace(/\\s+/g, ' ').trim();
    const nameOf = (each) => words(each.getAttribute('aria-label')
        || each.labels?.[0]?.innerText || each.innerText);
    const dialogs = [...document.querySelectorAll('dialog[open]')];
    const places = within
        ? [...document.querySelectorAll(within)]
        : [...document.querySelectorAll(':popover-open'), dialogs.at(-1) ?? document];
    const fits = kind === 'choice' ? (each) => nameOf(each).startsWith(name)
        : (each) => nameOf(each) === name;
    const found = places.flatMap((place) => [...place.querySelectorAll(KINDS[kind])]).find(
        (each) => each.checkVisibility() && !each.disabled && fits(each));
    if (!found) return null;
    found.scrollIntoView({ block: 'nearest' });
    const spot = () => {
        const box = found.getBoundingClientRect();
        return [Math.floor(box.x + box.width / 2), Math.floor(box.y + box.height / 2)];
    };
    const before = spot();
    await new Promise((resolve) => setTimeout(resolve, 60));
    const now = spot();
    const top = document.elementFromPoint(...now);
    return before.join() === now.join() && top && (found.contains(top) || top.contains(found))
        ? now : null;
}"""

_SET_SELECT = """({ name, value }) => {
    const select = [...document.querySelectorAll('select')].find(
        (each) => each.labels[0]?.innerText.trim() === name);
    select.value = value;
    select.dispatchEvent(new Event('change', { bubbles: true }));
    return select.value === value;
}"""

_SHOWN_IMAGE = """(selector) => {
    const image = document.querySelector(selector);
    if (!image?.checkVisibility() || !image.complete || !image.naturalWidth) return null;
    const copy = document.createElement('canvas');
    [copy.width, copy.height] = [image.naturalWidth, image.naturalHeight];
    copy.getContext('2d').drawImage(image, 0, 0);
    return copy.toDataURL('image/png').split(',')[1];
}"""


class Visit:
    """Somebody at a page of ours."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    def open(self, url: str) -> None:
        """Load a page."""
        self.tab.open(url)

    @property
    def address(self) -> str:
        """Where they are."""
        return str(self.tab.evaluate("() => location.href"))

    def words(self, within: str = "body") -> str:
        """What stands there, as one line; empty where there is no such place."""
        said = self.tab.evaluate(
            "(where) => [...document.querySelectorAll(where)].map((e) => e.innerText).join(' ')",
            within,
        )
        return " ".join(str(said).split())

    def reads(self, words: str, within: str = "body", *, patience_s: float = 60) -> None:
        """Wait until *words* stand there."""
        self.until(lambda: words in self.words(within), repr(words), within, patience_s=patience_s)

    def until(self, question: Any, what: str, within: str = "body", *, patience_s: float) -> None:
        """Wait for *question*; where it is in vain, say what stands there instead."""
        try:
            wait_until(question, what, patience_s=patience_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; instead: {self.words(within)[:2000]}") from error

    def wait_for(self, script: str, what: str, *, patience_s: float = 60) -> Any:
        """Wait until *script* is true in the page; its answer."""
        return wait_until(lambda: self.tab.evaluate(script), what, patience_s=patience_s)

    def spot(self, kind: str, name: str, within: str = "") -> tuple[int, int]:
        """Where a thing is, once it is there, stands still and nothing lies over it."""
        asked = {"kind": kind, "name": name, "within": within}
        x, y = wait_until(
            lambda: self.tab.evaluate(_FIND, asked), f"{kind} {name!r} in {self.address}"
        )
        return x, y

    def click(self, kind: str, name: str, within: str = "") -> None:
        """Click on the thing of this kind with these words on it."""
        self.tab.click(*self.spot(kind, name, within))

    def fill(self, label: str, text: str) -> None:
        """Type *text* into the field of this name, in place of what it held."""
        self.click("field", label)
        self.tab.press("Control+a")
        self.tab.type(text)

    def select(self, label: str, value: str) -> None:
        """Choose in a list; a browser draws those itself, so that no click reaches them."""
        self.spot("field", label)
        assert self.tab.evaluate(_SET_SELECT, {"name": label, "value": value})

    def read(self, label: str) -> str:
        """What the field of this name holds, once it holds something."""
        script = """(label) => [...document.querySelectorAll('input')].find(
            (each) => each.labels?.[0]?.innerText.trim() === label)?.value ?? ''"""
        return str(wait_until(lambda: self.tab.evaluate(script, label), f"something in {label}"))

    def image(self, selector: str) -> Rgb | None:
        """The pixels of an image that is shown."""
        data = self.tab.evaluate(_SHOWN_IMAGE, selector)
        if data is None:
            return None
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    def width_needed(self) -> int:
        """How wide the page would have to be to need no scrolling sideways."""
        return int(self.tab.evaluate("() => document.documentElement.scrollWidth"))

    # ------------------------------------------------------------ the list

    def choose(self, machine: str, action: str) -> None:
        """Choose from the menu of a machine's card."""
        self.click("button", f"Actions for {machine}")
        self.click("menuitem", action)

    # ------------------------------------------------------------ the screen

    def wait_live(self) -> None:
        """Wait until the machine's screen is there."""
        self.wait_for(
            "() => window.webvdi?.viewer?.state === 'live' && window.webvdi.viewer.hasPicture",
            "the screen",
        )

    def picture(self) -> Rgb | None:
        """The pixels of the screen as the page has them."""
        read = self.tab.evaluate(READ_PICTURE)
        if read is None:
            return None
        rgba = np.frombuffer(base64.b64decode(read["data"]), np.uint8)
        rgb: Rgb = rgba.reshape(read["height"], read["width"], 4)[:, :, :3]
        return rgb

    def show_bar(self) -> None:
        """Open the tool bar, as the key chord for it does, whatever lies in the way."""
        self.tab.evaluate("() => { document.getElementById('handle').click(); }")
        self.wait_for("() => !document.getElementById('bar').hidden", "the tool bar")

    def on_screen(self, x: int, y: int) -> tuple[int, int]:
        """Where in the page a pixel of the machine's screen is."""
        place = self.tab.evaluate(
            """([x, y]) => {
                const { canvas } = window.webvdi.viewer;
                const box = canvas.getBoundingClientRect();
                return [Math.round(box.x + (x + 0.5) * box.width / canvas.width),
                    Math.round(box.y + (y + 0.5) * box.height / canvas.height)];
            }""",
            [x, y],
        )
        return place[0], place[1]


def article(machine: str) -> str:
    """The selector of a machine's card, by the machine's id."""
    return f"[data-machine={json.dumps(machine)}]"
