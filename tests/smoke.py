"""``scripts/demo --smoke``: the whole path on real parts, by itself.

Does what ``scripts/demo`` does, then looks at the page in headless Chromium as a person would:
waits for the desktop, opens a terminal, types, moves the mouse, lives through the death of each
server, and compares the page's pixels with QEMU's own.  Prints one JSON line of timings; exits 0
or 1.
"""

import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np

from support.machine import RunningMachine
from support.page import ViewerPage, chromium, viewer_page
from support.processes import free_port, gone, wait_until, webvdi
from support.viewer import Rgb
from webvdi.base.paths import places

KEYS = "the quick brown fox jumps over the lazy dog"
MENU_AT = (1100, 250)
"""A place of the desktop that the first terminal does not cover."""

RED = (200, 16, 46)
"""The colour that the command asks for, exactly."""

NEW_WINDOW = (1200, 650)
"""A place that the second terminal covers."""


class Smoke:
    """The steps, in order; each says what it does on stderr."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.state = tmp / "state"
        self.run_dir = tmp / "run"
        self.timings: dict[str, float] = {}

    @contextmanager
    def timed(self, name: str, what: str) -> Iterator[None]:
        print(f"smoke: {what} …", file=sys.stderr, flush=True)
        began = time.monotonic()
        yield
        self.timings[f"{name}_s"] = round(time.monotonic() - began, 3)

    def run(self) -> None:
        began = time.monotonic()
        arguments = ("demo", "--state", str(self.state), "--no-open", "--listen")
        with webvdi(*arguments, str(free_port()), tmp=self.tmp) as demo:
            with self.timed("start_to_url", "building the guest and starting the machine"):
                url = demo.said(r"Open +(http://\S+)", patience_s=600)[1]
            with chromium() as browser, viewer_page(browser) as page, _pictured(page):
                self.look(page, url)
                with self.timed("boot_to_desktop", "waiting for the desktop"):
                    self.machine = RunningMachine(self.state, self._run())
                    self.machine.wait_for_desktop()
                self.timings["start_to_desktop_s"] = round(time.monotonic() - began, 3)
                self.use(page)
                self.survive(page)
                self.compare(page)
        with self.timed("shutdown", "shutting the machine down"):
            with webvdi("demo", "--state", str(self.state), "--stop", tmp=self.tmp) as stop:
                assert stop.process.wait(120) == 0, stop.output
            wait_until(lambda: gone(self.qemu_pid), "QEMU to be gone")

    def _run(self) -> Path:
        os.environ["XDG_RUNTIME_DIR"] = str(self.run_dir)
        return places(self.state).run

    def look(self, page: ViewerPage, url: str) -> None:
        with self.timed("open_to_first_picture", "opening the page"):
            page.open(f"{url}&scale=off")
            page.wait_live()

    def use(self, page: ViewerPage) -> None:
        """A terminal from the menu, and a command whose effect is seen on both sides."""
        self.qemu_pid = self.machine.qemu_pid
        with self.timed("terminal", "opening a terminal from the desktop's menu"):
            before = page.picture()
            assert before is not None
            page.page.mouse.move(*MENU_AT, steps=5)
            page.page.mouse.click(*MENU_AT, button="right")
            x, y = MENU_AT[0] - 40, MENU_AT[1] + 28
            wait_until(lambda: _changed(before, page.picture(), x, y), "the desktop's menu")
            with self.machine.serial() as serial:
                page.page.mouse.click(x, y)
                wait_until(
                    lambda: serial.run("pidof xterm | wc -w").strip() == "2", "a second terminal"
                )
                wait_until(lambda: _two_shells(serial.run("ps")), "the terminal's shell")
            wait_until(lambda: _changed(before, page.picture(), *NEW_WINDOW), "its window")
            self._rest(page)
        with self.timed("command", "typing a command"):
            self._type_until_done(page)
        with self.timed("keys", "measuring key to pixel"):
            self._measure(page)

    def _rest(self, page: ViewerPage) -> None:
        """Wait until two looks at the picture, half a second apart, are the same."""

        def same() -> bool:
            before = page.picture()
            page.page.wait_for_timeout(500)
            return np.array_equal(before, page.picture())  # type: ignore[arg-type]

        wait_until(same, "the picture to rest")

    def _type_until_done(self, page: ViewerPage) -> None:
        """Type a command; see its effect in the page's pixels and inside the guest."""
        command = "printf '\\033[48;2;200;16;46m\\033[2J'; echo webvdi-was-here > ~/proof\n"
        with self.machine.serial() as serial:
            wait_until(lambda: _focused(page), "the page to have the keyboard")
            page.type(command)
            wait_until(
                lambda: "webvdi-was-here" in serial.run("cat /home/user/proof 2>/dev/null"),
                "the command's effect in the guest",
            )

        def red() -> bool:
            return int((page.picture() == RED).all(axis=2).sum()) > 100_000  # type: ignore[union-attr]

        wait_until(red, "the command's effect in the page's pixels")

    def _measure(self, page: ViewerPage) -> None:
        took = []
        for key in KEYS:
            ms = page.key_to_pixel_ms("Space" if key == " " else key, (0, 0, 1280, 760))
            if ms is not None:
                took.append(ms)
            page.page.wait_for_timeout(150)  # one key at a time, as a person types
        assert len(took) >= len(KEYS) // 2, "keys do not show"
        took.sort()
        self.timings["key_to_pixel_p50_ms"] = round(statistics.median(took), 1)
        self.timings["key_to_pixel_p95_ms"] = round(took[int(len(took) * 0.95)], 1)
        page.page.keyboard.press("Control+u")

    def survive(self, page: ViewerPage) -> None:
        """Each server is killed once; the page comes back by itself."""
        run = self._run()
        for victim in ("web", "worker", "managed"):
            with self.timed(f"recovery_{victim}", f"killing the {victim} process"):
                pid = self._victim(run, victim)
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda pid=pid: gone(pid), "its end")  # type: ignore[misc]
                page.wait_for("() => window.webvdi.viewer.state !== 'live'", "the page to notice")
                page.wait_live()
            self.compare(page, quietly=True)

    def _victim(self, run: Path, name: str) -> int:
        if name != "worker":
            return int((run / f"{name}.pid").read_text())
        router = int((run / "managed.pid").read_text())
        children = Path(f"/proc/{router}/task/{router}/children").read_text().split()
        return int(children[0])  # the oldest serves; the younger is the spare

    def compare(self, page: ViewerPage, *, quietly: bool = False) -> None:
        """The page's canvas against QEMU's own screendump, pixel for pixel."""
        scratch = self.tmp / "screen.ppm"
        with self.machine.monitor() as monitor:

            def equal() -> bool:
                monitor.execute("stop")
                try:
                    real = monitor.screendump(scratch)
                    end = time.monotonic() + 5
                    while time.monotonic() < end:
                        shown = page.picture()
                        if shown is not None and np.array_equal(shown, real):
                            return True
                    return False
                finally:
                    monitor.execute("cont")

            if quietly:
                wait_until(equal, "the right picture")
                return
            with self.timed("exact", "comparing the page with QEMU's screendump"):
                wait_until(equal, "the page to equal QEMU's screendump")


@contextmanager
def _pictured(page: ViewerPage) -> Iterator[None]:
    """Keep a picture of what the page shows when something goes wrong."""
    try:
        yield
    except BaseException:
        picture = Path(tempfile.gettempdir()) / "webvdi-smoke-failed.png"
        page.page.screenshot(path=picture)
        print(f"smoke: the page as it was: {picture}", file=sys.stderr)
        raise


def _changed(before: Rgb, now: Rgb | None, x: int, y: int) -> bool:
    return now is not None and bool((before[y, x - 8 : x + 8] != now[y, x - 8 : x + 8]).any())


def _focused(page: ViewerPage) -> bool:
    return bool(page.evaluate("() => document.hasFocus() && window.webvdi.viewer.canInput"))


def _two_shells(processes: str) -> bool:
    """Two login shells of the user, under two terminals."""
    return sum(" user " in line and line.endswith("-sh") for line in processes.splitlines()) == 2


def main() -> int:
    """Run it all."""
    tmp = Path(tempfile.mkdtemp(prefix="webvdi-smoke-"))
    smoke = Smoke(tmp)
    passed = False
    try:
        smoke.run()
        passed = True
    except Exception:
        traceback.print_exc()
        for log in tmp.glob("*.log"):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
    finally:
        if not passed and hasattr(smoke, "qemu_pid") and not gone(smoke.qemu_pid):
            os.kill(smoke.qemu_pid, signal.SIGKILL)
        shutil.rmtree(tmp, ignore_errors=True)
    print(json.dumps({"passed": passed, "load": round(os.getloadavg()[0], 2), **smoke.timings}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
