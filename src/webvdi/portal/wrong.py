"""What is wrong with a request's shape, in words of ours.

The words are made of what the OpenAPI document says of a field, so they name all that is allowed
and cannot differ from what is published.  ``rule`` is stable, for programs and for pages in other
languages; the list is in docs/reference/rest-api.md.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from webvdi.vmm.machine import NAME

MAX_SHOWN = 40
"""Characters of a wrong value that are repeated to whoever sent it."""

FILE_NAME = r"\w[^/\\]*$"
"""Such a name is never refused for what it is; see ``broker.image_files.clean_name``."""

PATTERNS = {
    f"^{NAME}$": ("up to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit"),
    FILE_NAME: "a file's name: up to 200 characters, a letter or digit among them",
}
"""What people are told of each pattern in the document."""

_BOUNDS = {"min": "minimum", "max": "maximum", "above": "exclusiveMinimum"}
_LENGTHS = {"min": "minLength", "max": "maxLength"}

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a field may be."""

    rule: str
    words: str
    """After "must be"."""
    limits: Mapping[str, object] = field(default_factory=dict)
    """``min``, ``max``, ``above``, ``options``: those that the rule has."""


def wrongs(
    errors: Iterable[Mapping[str, Any]], operation: Schema, components: Schema
) -> list[dict[str, object]]:
    """The ``errors`` of an answer, made of pydantic's *errors* about a request of *operation*.

    *operation* and *components* (its ``schemas``) are parts of the OpenAPI document.
    """
    return [_wrong(error, operation, components) for error in errors]


def _wrong(error: Mapping[str, Any], operation: Schema, components: Schema) -> dict[str, object]:
    kind, (where, *path) = str(error["type"]), error["loc"]
    if kind == "json_invalid":  # its place is a count of bytes
        return _told(where, [], "json", "must be JSON")
    if kind == "missing":
        return _told(where, path, "missing", "is missing")
    if kind == "extra_forbidden":
        return _told(where, path, "unknown", "is not known here; look for a misspelling")
    allowed = allowed_by(_schema_at(str(where), path, operation, components))
    but = _shown(error.get("input"))
    return _told(where, path, allowed.rule, f"must be {allowed.words}{but}", allowed.limits)


def _told(
    where: object, path: list[int | str], rule: str, message: str, limits: Schema | None = None
) -> dict[str, object]:
    place = ".".join(str(part) for part in path)
    told = {"field": place, "where": str(where), "rule": rule, "message": message}
    return told | dict(limits or {})


def _schema_at(where: str, path: list[int | str], operation: Schema, components: Schema) -> Schema:
    """What the document says of a field; empty where it says nothing."""
    if where == "body":
        content: Schema = operation.get("requestBody", {}).get("content", {})
        schema = _resolved(content.get("application/json", {}).get("schema", {}), components)
        for part in path:
            schema = _resolved(schema.get("properties", {}).get(part, {}), components)
        return schema
    for each in operation.get("parameters", ()):
        if each["in"] == where and path and each["name"] == path[0]:
            return _resolved(each["schema"], components)
    return {}


def _resolved(schema: Schema, components: Schema) -> Schema:
    """*schema* itself: not a reference to it, not the choice between it and null."""
    choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(choices) == 1:
        return _resolved(choices[0], components)
    if "$ref" in schema:
        found: Schema = components[schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def allowed_by(schema: Schema) -> Allowed:
    """What *schema* allows, in words."""
    if "enum" in schema:
        options = [str(option) for option in schema["enum"]]
        return Allowed("one_of", f"one of {', '.join(options)}", {"options": options})
    match schema.get("type"):
        case "integer":
            return _number(schema, "whole_number", "a whole number")
        case "number":
            return _number(schema, "number", "a number")
        case "boolean":
            return Allowed("yes_no", "true or false")
        case "string":
            return _text(schema)
        case "object":
            return Allowed("object", "a JSON object")
        case _:
            return Allowed("form", "of another form; GET openapi.json tells which")


def _number(schema: Schema, rule: str, noun: str) -> Allowed:
    limits = {name: _plain(schema[key]) for name, key in _BOUNDS.items() if key in schema}
    match limits:
        case {"min": least, "max": most}:
            noun += f" from {least} to {most}"
        case {"above": least, "max": most}:
            noun += f" above {least}, at most {most}"
        case {"min": least}:
            noun += f", at least {least}"
        case {"max": most}:
            noun += f", at most {most}"
    return Allowed(rule, noun, limits)


def _text(schema: Schema) -> Allowed:
    if "pattern" in schema:
        return Allowed("form", PATTERNS[schema["pattern"]])
    limits = {name: schema[key] for name, key in _LENGTHS.items() if key in schema}
    match limits:
        case {"min": least, "max": most}:
            return Allowed("text", f"text of {least} to {most} characters", limits)
        case {"max": most}:
            return Allowed("text", f"text of at most {most} characters", limits)
        case _:
            return Allowed("text", "text")


def _plain(number: float) -> float:
    """The document has 64.0 where people write 64."""
    return int(number) if float(number).is_integer() else number


def _shown(value: object) -> str:
    """What was sent instead, where that is short and harmless."""
    if not isinstance(value, int | float | str):
        return ""
    words = json.dumps(value, ensure_ascii=False)
    return f", not {words}" if len(words) <= MAX_SHOWN and words.isprintable() else ""
