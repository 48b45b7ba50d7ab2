"""What is wrong with a request is said in words of ours, whatever is wrong."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.portal import TestPortal
from webvdi.portal.wrong import PATTERNS, allowed_by

ROOT = Path(__file__).parents[3]

NAME, FILE_NAME = PATTERNS.values()

WORDS = re.compile(
    r"is missing|is not known here; look for a misspelling|must be JSON"
    r"|must be (a JSON object|true or false|text|one of \w+(, \w+)*"
    r"|text of (at most \d+|\d+ to \d+) characters"
    r"|a (whole )?number( from \d+ to \d+| above \d+, at most \d+)"
    rf"|{re.escape(NAME)}|{re.escape(FILE_NAME)})"
    r"(, not \S.{0,40})?"
)
"""All that may be said of a field."""

WRONG: list[Any] = [
    None,
    True,
    -1,
    0,
    0.5,
    10**30,
    1e300,
    "",
    "?",
    "x" * 20_000,
    [],
    {},
    [1],
    {"a": 1},
]


def operations(portal: TestPortal) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each operation of the OpenAPI document: its method, its address, what it says of it."""
    for path, methods in portal.portal.api.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def told(answer: Any) -> list[dict[str, Any]]:
    """The errors of an answer; none where it is of another kind."""
    return list(answer.json().get("errors", [])) if answer.status_code == 422 else []


def test_no_words_but_ours_reach_anybody(tmp_path: Path) -> None:
    portal = TestPortal(tmp_path)
    portal.add("a")
    portal.site.end_streams()
    owner = portal.owner()
    schemas = portal.portal.api.openapi()["components"]["schemas"]
    rules = set()
    for method, path, operation in operations(portal):
        address = re.sub(r"\{\w+\}", "a", path)
        bodies: list[dict[str, Any]] = [{}]
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            reference = re.search(r'schemas/(\w+)"', json.dumps(operation["requestBody"]))
            assert reference is not None
            fields = schemas[reference[1]]["properties"]
            bodies = [
                {"json": {field: wrong}} for field in [*fields, "misspelt"] for wrong in WRONG
            ]
            bodies += [{"json": wrong} for wrong in WRONG] + [
                {"content": b"{"},
                {"content": b"\xff"},
            ]
        questions: list[dict[str, Any]] = [{}]
        for each in operation.get("parameters", ()):
            name = {"query": "params", "header": "headers"}.get(each["in"])
            if name is not None:
                questions += [
                    {name: {each["name"]: wrong}} for wrong in ("", "?", "-1", "9" * 5000)
                ]
        headers = {"content-type": "application/json"}
        for how in [*({"headers": headers, **body} for body in bodies), *questions]:
            answer = owner.request(method, address, **how)
            for error in told(answer):
                assert WORDS.fullmatch(error["message"]), (method, path, how, error)
                rules.add(error["rule"])
            if told(answer):
                first = told(answer)[0]
                place = first["field"] or f"the {first['where']}"
                assert answer.json()["detail"].startswith(f"{place} {first['message']}")
    document = (ROOT / "docs/reference/rest-api.md").read_text()
    table = document.partition("| `rule` |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.+?`) \|", table, re.M)
    assert rules == {rule for row in rows for rule in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize(
    ("sent", "rule", "message", "limits"),
    [
        (
            {"cpus": 0},
            "whole_number",
            "must be a whole number from 1 to 255, not 0",
            {"min": 1, "max": 255},
        ),
        (
            {"memory_mib": "much"},
            "whole_number",
            'must be a whole number from 16 to 4194304, not "much"',
            {"min": 16, "max": 4194304},
        ),
        (
            {"name": "two words"},
            "form",
            f'must be {NAME}, not "two words"',
            {},
        ),
        (
            {"notes": "x" * 20_000},
            "text",
            "must be text of at most 16384 characters",
            {"max": 16384},
        ),
        (
            {"network": "all"},
            "one_of",
            'must be one of none, internet, open, not "all"',
            {"options": ["none", "internet", "open"]},
        ),
        ({"start": 1}, "yes_no", "must be true or false, not 1", {}),
        ({"nmae": "x"}, "unknown", "is not known here; look for a misspelling", {}),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_the_words_name_what_is_allowed(
    tmp_path: Path, sent: dict[str, object], rule: str, message: str, limits: dict[str, object]
) -> None:
    asked = {"name": "a", "guest": "tiny", **sent}
    answer = TestPortal(tmp_path).owner().post("/api/v1/machines", json=asked)
    (field,) = sent
    error = {"field": field, "where": "body", "rule": rule, "message": message, **limits}
    assert answer.json()["errors"] == [error]
    assert answer.json()["detail"] == f"{field} {message}"


def test_what_is_no_json_is_not_told_by_a_byte_of_it(tmp_path: Path) -> None:
    owner = TestPortal(tmp_path).owner()
    broken = owner.post(
        "/api/v1/machines", content=b'{"name": ', headers={"content-type": "application/json"}
    )
    assert broken.json()["detail"] == "the body must be JSON"
    assert broken.json()["errors"][0]["field"] == ""
    binary = owner.post(
        "/api/v1/machines", content=b"\xff", headers={"content-type": "application/json"}
    )
    assert binary.status_code == 400
    assert binary.json()["detail"] == "the body cannot be read: it must be JSON in UTF-8"


def test_one_sided_ranges_have_words_too() -> None:
    assert allowed_by({"type": "integer", "minimum": 2}).words == "a whole number, at least 2"
    assert allowed_by({"type": "number", "maximum": 0.5}).words == "a number, at most 0.5"
    assert allowed_by({"type": "string"}).words == "text"
