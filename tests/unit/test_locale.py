"""What the server names, the pages can say: each name has its text in every language, and no other.

Journal kinds, problem reasons, rules of fields, phases of progress, findings, guests,
reasons for running without KVM.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from webvdi.guests import recipe
from webvdi.vmm.qemu.doctor import Finding

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "webvdi"


def keys(language: str, prefix: str) -> set[str]:
    """What stands behind *prefix* in a language's keys."""
    texts = json.loads((SOURCE / "browser" / "locale" / f"{language}.json").read_text())
    return {key.removeprefix(f"{prefix}.") for key in texts if key.startswith(f"{prefix}.")}


def calls(*rooms: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call in the *rooms*, by the name of what is called."""
    for node in nodes(*rooms):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(name) | ast.Attribute(attr=name):
                    yield name, node


def nodes(*rooms: str) -> Iterator[ast.AST]:
    for room in rooms:
        for path in sorted((SOURCE / room).rglob("*.py")):
            yield from ast.walk(_parsed(path))


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def words(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be, without what is filled in."""
    match node:
        case ast.Constant(str(text)):
            yield text
        case ast.JoinedStr(parts):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "7" for p in parts)
        case ast.IfExp(body=body, orelse=orelse):
            yield from words(body)
            yield from words(orelse)


def journal_kinds() -> set[str]:
    found: set[str] = set()
    for name, call in calls("broker"):
        place = {"note": 1, "JournalRecord": 2}.get(name)
        if place is not None and len(call.args) > place:
            found.update(words(call.args[place]))
    for node in nodes("broker"):  # what verbs write down
        match node:
            case ast.Assign(targets=[ast.Name("_WORDS")], value=ast.Dict(values=values)):
                for value in values:
                    assert isinstance(value, ast.Tuple)
                    found.update(words(value.elts[1]))
    return found


def phases() -> set[str]:
    """As the pages make keys of them: the letters alone (format.js, phaseWords)."""
    found: set[str] = set()
    for name, call in calls("broker", "guests"):
        if name == "Progress" and call.args:
            found.update(words(call.args[0]))
    for node in nodes("broker", "guests"):
        match node:
            case ast.Assign(targets=[ast.Name("phase")], value=value):
                found.update(words(value))
    return {"_".join(re.findall("[a-z]+", phase.lower())) for phase in found}


def reasons() -> set[str]:
    """As docs/reference/errors.md lists them; test_docs.py ties it to the code."""
    text = (ROOT / "docs/reference/errors.md").read_text()
    table = text.split("## From the REST interface")[1].split("\n## ")[0]
    return set(re.findall(r"^\| \d{3} \| `(\w+)` \|", table, re.M))


def rules() -> set[str]:
    """As docs/reference/rest-api.md lists them; test_wrong.py ties it to the answers."""
    text = (ROOT / "docs/reference/rest-api.md").read_text()
    table = text.partition("| `rule` |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.+?`) \|", table, re.M)
    return {rule for row in rows for rule in re.findall(r"`(\w+)`", row)}


def acceleration_codes() -> set[str]:
    """Why a machine runs without KVM."""
    found: set[str] = set()
    for name, call in calls("vmm"):
        place = {"Obstacle": 0, "Acceleration": 2}.get(name)
        if place is not None and len(call.args) > place:
            found.update(words(call.args[place]))
    return found


def findings() -> set[str]:
    names = {
        name
        for called, call in calls("vmm")
        if called == "finding" and call.args
        for name in words(call.args[0])
    }
    assert len(names) > 5, Finding.__doc__
    return names


def guests() -> set[str]:
    return {path.parent.name for path in Path(recipe.__file__).parent.glob("*/recipe.toml")}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_name_of_the_server_has_a_text_and_no_text_is_left_over(language: str) -> None:
    assert keys(language, "journal") == journal_kinds()
    assert keys(language, "phase") == phases()
    assert keys(language, "problem") == reasons()
    assert {key.partition(".")[0] for key in keys(language, "wrong")} == rules()
    assert keys(language, "acceleration") == acceleration_codes()
    finding_keys = keys(language, "finding")
    assert {key for key in finding_keys if "." not in key} == findings()
    assert {key.removesuffix(".remedy") for key in finding_keys} == findings()
    assert keys(language, "guest") == {
        f"{name}.{part}" for name in guests() for part in ("title", "summary")
    }
