"""Ctrl-C while the service is at work: what goes on is said, in one line."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from support.command_line import CommandLine
from support.fake_catalogue import machine_view
from webvdi.base.errors import NotFound
from webvdi.cli import asking
from webvdi.cli.client import Client, open_client


class Slow:
    """A use case during which Ctrl-C is pressed."""

    def __init__(self) -> None:
        self._end: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def __call__(self, *_: Any, **__: Any) -> Any:
        event = asyncio.Event()
        self._end = asyncio.get_running_loop(), event
        os.kill(os.getpid(), signal.SIGINT)
        await event.wait()
        raise NotFound("machine", "nobody is told")

    def end(self) -> None:
        assert self._end is not None
        loop, event = self._end
        loop.call_soon_threadsafe(event.set)


@contextmanager
def slow(monkeypatch: pytest.MonkeyPatch, used: object, name: str) -> Iterator[Slow]:
    use_case = Slow()
    monkeypatch.setattr(used, name, use_case)
    yield use_case


def pressed_during(webvdi: CommandLine, use_case: Slow, *arguments: str) -> str:
    """What it said on stderr, over a service."""
    with webvdi.service():
        said = webvdi(*arguments)
        use_case.end()
    assert said.code == 130
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err.splitlines()[-1]  # steps of the progress come before


def test_a_verb_goes_on_in_the_service(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        webvdi.fake.catalogue.add(machine_view(name))
    with slow(monkeypatch, webvdi.fake.catalogue, "do") as use_case:
        said = pressed_during(webvdi, use_case, "machine", "stop", "a", "b", "c")
    assert "interrupted; the service goes on stopping a: " in said
    assert f"machine show a --state {webvdi.state} tells how far it is" in said
    assert "not begun: b, c" in said


def test_a_start_after_the_making_goes_on(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with slow(monkeypatch, webvdi.fake.catalogue, "do") as use_case:
        said = pressed_during(webvdi, use_case, "machine", "create", "lab", "--guest", "tiny")
    assert "the service goes on starting lab: " in said


def test_a_making_goes_on_and_its_start_does_not(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with slow(monkeypatch, webvdi.fake.catalogue, "get") as use_case:
        said = pressed_during(webvdi, use_case, "machine", "create", "lab", "--guest", "tiny")
    assert "the service goes on making lab, and does not start it: " in said
    assert "machine show lab" in said


def test_a_build_goes_on(webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    with slow(monkeypatch, webvdi.fake.guests, "list") as use_case:
        said = pressed_during(webvdi, use_case, "guest", "build", "desk")
    assert "the service goes on building desk: " in said
    assert "guest list" in said
    assert f"guest cancel desk --state {webvdi.state} ends it" in said


def test_programs_are_told_as_of_any_error(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    webvdi.fake.catalogue.add(machine_view("a"))
    with slow(monkeypatch, webvdi.fake.catalogue, "do") as use_case, webvdi.service():
        said = webvdi("machine", "stop", "a", "--json")
        use_case.end()
    assert said.problem["exit_code"] == said.code == 130
    assert said.problem["reason"] == "interrupted"


def test_before_anything_was_asked_for_nothing_is_claimed(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with slow(monkeypatch, webvdi.fake.images, "list") as use_case, webvdi.service():
        said = webvdi("machine", "create", "lab", "--image", "a.iso")
        use_case.end()
    assert (said.code, said.out, said.err) == (130, "", "")


def test_the_next_of_several_is_not_claimed_before_it_is_asked_for(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        webvdi.fake.catalogue.add(machine_view(name))
    use_case, get = Slow(), webvdi.fake.catalogue.get

    async def slow_at_b(ref: str) -> Any:
        return await (use_case(ref) if ref == "b" else get(ref))

    monkeypatch.setattr(webvdi.fake.catalogue, "get", slow_at_b)
    with webvdi.service():
        said = webvdi("machine", "delete", "a", "b", "c", "--yes")
        use_case.end()
    assert (said.code, said.out) == (130, "a is gone.\n")
    assert said.err == "webvdi: interrupted; not begun: b, c\n"


def test_after_the_last_answer_nothing_goes_on(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def pressed_at_the_end(*which: Any) -> AsyncIterator[Client]:
        async with open_client(*which) as client:
            yield client
            await Slow()()

    monkeypatch.setattr(asking, "open_client", pressed_at_the_end)
    asyncio.run(webvdi.fake.guests.build("desk"))
    said = webvdi("guest", "cancel", "desk")
    assert (said.code, said.out, said.err) == (130, "", "")


def test_without_a_service_nothing_goes_on(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    webvdi.fake.catalogue.add(machine_view("a"))
    monkeypatch.setattr(webvdi.fake.catalogue, "do", Slow())
    said = webvdi("machine", "stop", "a")
    assert said.code == 130
    assert "the service" not in said.err
    assert "machine show a" in said.err
    assert "how far it came" in said.err


def test_what_only_looks_ends_without_a_word(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webvdi.fake.catalogue, "list", Slow())
    said = webvdi("machine", "list")
    assert (said.code, said.out, said.err) == (130, "", "")


@pytest.mark.parametrize("module", ["webvdi.cli.main", "typer", "webvdi.cli.terminal"])
def test_while_it_is_loaded_it_ends_without_a_word(module: str) -> None:
    code = f"""
import sys

class Pressed:
    def find_spec(self, name, *_):
        if name == {module!r}:
            raise KeyboardInterrupt

from webvdi.__main__ import main
sys.meta_path.insert(0, Pressed())
sys.argv = ["webvdi", "machine", "list"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
