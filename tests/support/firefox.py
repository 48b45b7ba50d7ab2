"""Debian's Firefox, headless, driven over WebDriver BiDi (W3C) without a driver in between.

Playwright drives only a Firefox of its own making; the one that people have speaks BiDi by itself.
"""

import base64
import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from support.page import US_KEYS
from support.processes import PATIENCE_S, Program, free_port

FIREFOX = os.environ.get("WEBVDI_FIREFOX", "/usr/bin/firefox-esr")

# Nothing of this may leave the machine, and nothing may open by itself.
_PREFERENCES: Mapping[str, object] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "extensions.update.enabled": False,
    "intl.accept_languages": "en-US",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.prefetch-next": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}

_BUTTONS = {"left": 0, "middle": 1, "right": 2}

# WebDriver's names of keys that write nothing (W3C WebDriver, "Keyboard actions").
_KEYS = {
    "Shift": "\ue008",
    "Control": "\ue009",
    "Alt": "\ue00a",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Space": " ",
    "Backspace": "\ue003",
    "Delete": "\ue017",
}


class FirefoxPage:
    """One tab, in a window of its own: what nobody sees is not painted."""

    def __init__(self, bidi: "_Bidi", context: str) -> None:
        self._bidi = bidi
        self._context = context
        self.errors: list[str] = bidi.errors.setdefault(context, [])

    def open(self, url: str) -> None:
        """Load *url* and wait until it is loaded."""
        self._bidi.ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """What the function *script* makes of *argument* in the page, awaited; both JSON."""
        call = f"({script})({json.dumps(argument)})"
        expression = f"Promise.resolve({call}).then((x) => JSON.stringify(x ?? null))"
        try:
            answer = self._evaluate(expression)
        except _Refused as refused:
            if "navigat" not in str(refused) and "destroyed" not in str(refused):
                raise
            answer = self._evaluate(expression)  # once more, in the page that came
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def _evaluate(self, expression: str) -> Any:
        return self._bidi.ask(
            "script.evaluate",
            expression=expression,
            target={"context": self._context},
            awaitPromise=True,
        )

    def press(self, key: str) -> None:
        """Press a key: a character, a name ("Enter"), or with modifiers ("Control+c")."""
        *held, last = key.split("+") if len(key) > 1 else [key]
        values = [_KEYS[name] for name in held] + [_KEYS.get(last, last)]
        self._keys(
            [{"type": "keyDown", "value": value} for value in values]
            + [{"type": "keyUp", "value": value} for value in reversed(values)]
        )

    def type(self, text: str) -> None:
        """Type on a US keyboard, Shift and all, key by key."""
        actions = []
        for character in text:
            key = "Enter" if character == "\n" else character
            value = _KEYS.get(key, key)
            # As with Chromium's: a capital without its Shift is what no real keyboard sends.
            shifted = US_KEYS.get(character, "").startswith("Shift+")
            down = [{"type": "keyDown", "value": _KEYS["Shift"]}] if shifted else []
            up = [{"type": "keyUp", "value": _KEYS["Shift"]}] if shifted else []
            key_itself = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
            actions += [*down, *key_itself, *up]
        self._keys(actions)

    def move(self, x: int, y: int) -> None:
        """Move the pointer."""
        self._mouse([{"type": "pointerMove", "x": x, "y": y}])

    def click(self, x: int, y: int, *, button: str = "left") -> None:
        """Click at a place of the page."""
        number = _BUTTONS[button]
        self._mouse(
            [
                {"type": "pointerMove", "x": x, "y": y},
                {"type": "pointerDown", "button": number},
                {"type": "pointerUp", "button": number},
            ]
        )

    def put_file(self, selector: str, file: Path) -> None:
        """Choose *file* in a file field."""
        found = self._bidi.ask(
            "browsingContext.locateNodes",
            context=self._context,
            locator={"type": "css", "value": selector},
            maxNodeCount=1,
        )
        (node,) = found["nodes"]
        self._bidi.ask(
            "input.setFiles",
            context=self._context,
            element={"sharedId": node["sharedId"]},
            files=[str(file)],
        )

    def size(self, width: int, height: int) -> None:
        """Give the page so much room."""
        self._bidi.ask(
            "browsingContext.setViewport",
            context=self._context,
            viewport={"width": width, "height": height},
        )

    def screenshot(self) -> bytes:
        """What the browser shows, as PNG."""
        answer = self._bidi.ask("browsingContext.captureScreenshot", context=self._context)
        return base64.b64decode(answer["data"])

    def _keys(self, actions: Sequence[Mapping[str, object]]) -> None:
        self._act({"type": "key", "id": "keyboard", "actions": actions})

    def _mouse(self, actions: Sequence[Mapping[str, object]]) -> None:
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def _act(self, source: Mapping[str, object]) -> None:
        # Of several windows one has the keyboard.
        self._bidi.ask("browsingContext.activate", context=self._context)
        self._bidi.ask("input.performActions", context=self._context, actions=[source])


class Firefox:
    """A running Firefox."""

    def __init__(self, bidi: "_Bidi") -> None:
        self._bidi = bidi

    @contextmanager
    def page(self, *, width: int = 1280, height: int = 800) -> Iterator[FirefoxPage]:
        """A window with cookies of its own."""
        user = self._bidi.ask("browser.createUserContext")["userContext"]
        made = self._bidi.ask("browsingContext.create", type="window", userContext=user)
        page = FirefoxPage(self._bidi, made["context"])
        page.size(width, height)
        try:
            yield page
        finally:
            self._bidi.ask("browser.removeUserContext", userContext=user)


_LEFT = (
    "TypeError: NetworkError when attempting to fetch resource",
    "AbortError: The operation was aborted",
)
"""What a page that is left while it asks for something says of it; Chromium does not tell."""


class _Refused(Exception):
    """Firefox did not do it, and says why."""


class _Bidi:
    """Commands and their answers; of events, only the errors of scripts are kept."""

    def __init__(self, socket: ClientConnection) -> None:
        self.errors: dict[str, list[str]] = {}
        """By browsing context."""
        self._socket = socket
        self._numbers = itertools.count(1)

    def ask(self, method: str, **params: object) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if answer.get("id") == number:
                if answer["type"] != "success":
                    raise _Refused(f"{method}: {answer['error']}: {answer['message']}")
                return answer["result"]
            self._note(answer)

    def _note(self, event: Mapping[str, Any]) -> None:
        entry = event.get("params", {})
        text = entry.get("text", "")
        if (
            event.get("method") == "log.entryAdded"
            and entry.get("type") == "javascript"
            and not text.startswith(_LEFT)
        ):
            self.errors.setdefault(entry.get("source", {}).get("context", ""), []).append(text)


@contextmanager
def firefox(tmp: Path) -> Iterator[Firefox]:
    """A headless Firefox with a fresh profile below *tmp*; fails where there is none."""
    profile = tmp / "firefox"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n")
    program = Program(
        [
            FIREFOX,
            "--headless",
            "--no-remote",
            "--profile",
            str(profile),
            f"--remote-debugging-port={free_port()}",
        ],
        tmp / "firefox.log",
        {"MOZ_DISABLE_CONTENT_SANDBOX": "1", "HOME": str(tmp)},
    )
    with ExitStack() as stack:
        stack.callback(program.process.wait)
        stack.callback(program.process.terminate)
        url = program.said(r"WebDriver BiDi listening on (ws://\S+)")[1]
        url = re.sub(r"/*$", "/session", url)
        bidi = _Bidi(stack.enter_context(connect(url, max_size=None, proxy=None)))
        bidi.ask("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        bidi.ask("session.subscribe", events=["log.entryAdded"])
        yield Firefox(bidi)
