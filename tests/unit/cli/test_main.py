"""How commands end."""

import contextlib
import sys

import pytest

from support.command_line import CommandLine
from support.fake_catalogue import machine_view
from webvdi.base.errors import Conflict, NotFound, Refused, StateError
from webvdi.cli.exits import Exit, Interrupted, Problem, ServiceUnavailable, as_problem, exit_code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("no", reason="x"), Exit.FAILED),
        (NotFound("machine", "x"), Exit.NOT_FOUND),
        (Conflict("machine", "x"), Exit.CONFLICT),
        (StateError("no", state="a", required="b"), Exit.CONFLICT),
        (ServiceUnavailable("busy"), Exit.UNAVAILABLE),
        (Problem(404, "not_found", "", ""), Exit.NOT_FOUND),
        (Problem(409, "conflict", "", ""), Exit.CONFLICT),
        (Problem(409, "state", "", ""), Exit.CONFLICT),
        (Problem(409, "image_exists", "", ""), Exit.CONFLICT),
        (Problem(400, "bad_name", "", ""), Exit.USAGE),
        (Problem(400, "bad_request", "", ""), Exit.FAILED),
        (Problem(409, "capacity_exceeded", "", ""), Exit.FAILED),
        (Problem(422, "disk", "", ""), Exit.FAILED),
        (Problem(422, "invalid", "", ""), Exit.USAGE),
        (Refused("no", reason="bad_options"), Exit.USAGE),
        (Interrupted("interrupted"), Exit.INTERRUPTED),
        (Problem(503, "server_unavailable", "", ""), Exit.UNAVAILABLE),
        (Problem(502, "launch_failed", "", ""), Exit.FAILED),
    ],
)
def test_each_error_has_its_code(error: Exception, code: Exit) -> None:
    assert exit_code(error) is code
    assert as_problem(error)["exit_code"] == code


@pytest.mark.parametrize(
    "line",
    [
        "no-such-command",
        "machine",
        "machine create x --cpus many",
        "machine create x",
        "machine create x --guest tiny --disk-format raw",
        "machine create x --guest tiny --memory lots",
        "machine create x! --guest tiny",
        "machine create x --guest tiny --cpus 5000",
        "machine set alpha",
        "machine set alpha --cdrom x --no-cdrom",
        "machine stop alpha --timeout soon",
        "machine screenshot alpha - --json",
        "share alpha --view --control",
        "share alpha --expires never",
        "share alpha --expires 400d",
        "shutdown --deadline soon",
        "view",
        "view not-an-endpoint",
        "view tcp:127.0.0.1:1 --tls-fingerprint short",
        "view tcp:127.0.0.1:1 --listen x:y",
        "serve --listen x:y",
        "serve --url nowhere",
        "serve --tls-cert x",
        "demo --iso x --disk y",
    ],
)
def test_wrong_usage_is_2(webvdi: CommandLine, line: str) -> None:
    webvdi.fake.catalogue.add(machine_view("alpha"))
    with webvdi.service() if line.startswith("share") else contextlib.nullcontext():
        said = webvdi(*line.split())
    assert said.code == 2, said.err


@pytest.mark.parametrize(
    "line",
    [
        "machine delete alpha",  # nobody to ask
        "demo --iso /no/such.iso",
        "image add /no/such.iso",
        "view tcp:127.0.0.1:1 --password-file /no/such",
        "serve --listen 0.0.0.0:1",  # refused without TLS
        "url",
    ],
)
def test_what_is_right_but_cannot_be_is_1(webvdi: CommandLine, line: str) -> None:
    webvdi.fake.catalogue.add(machine_view("alpha"))
    assert webvdi(*line.split()).code == 1


def test_help_and_version_are_0(webvdi: CommandLine) -> None:
    assert webvdi("--version").out.startswith("webvdi ")
    assert "machine" in webvdi("--help").out


def test_an_error_of_the_system_is_one_line_too(webvdi: CommandLine) -> None:
    webvdi.state.rmdir()
    webvdi.state.write_text("a file where a directory should be")
    said = webvdi("machine", "list")
    assert said.code == 1
    assert said.err.startswith("webvdi: ")
    assert said.err.count("\n") == 1
    assert webvdi("machine", "list", "--json").problem["exit_code"] == 1


def test_help_loads_nothing_heavy() -> None:
    import subprocess

    code = (
        "import sys, webvdi.cli.main\n"
        "print([m for m in ('httpx2', 'fastapi', 'uvicorn', 'sqlalchemy', 'rich.table', 'segno',"
        " 'numpy', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_reader_that_has_had_enough_is_no_error(webvdi: CommandLine) -> None:
    import subprocess

    command = f"{sys.executable} -m webvdi machine list --json | true"
    webvdi.fake.catalogue.add(machine_view("alpha"))
    with webvdi.service():
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""
