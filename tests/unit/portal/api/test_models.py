"""The JSON has the fields of the broker's dataclasses, no more and no fewer."""

import dataclasses
import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from webvdi.broker import plan, settings, shares, views
from webvdi.portal.api import models
from webvdi.portal.guard import MAX_BODY_BYTES

ANSWERS: list[tuple[type[BaseModel], type[Any]]] = [
    (models.Machine, views.MachineView),
    (models.Disk, views.DiskView),
    (models.Progress, views.Progress),
    (models.Person, views.Person),
    (models.JournalEntry, views.JournalEntry),
    (models.Share, views.ShareView),
    (models.Guest, views.GuestView),
    (models.Image, views.ImageView),
    (models.Upload, views.UploadView),
    (models.Finding, views.FindingView),
    (models.MachineCounts, views.MachineCounts),
    (models.Host, views.HostView),
]
QUESTIONS: list[tuple[type[BaseModel], type[Any]]] = [
    (models.NewMachine, views.NewMachine),
    (models.MachineChanges, views.Changes),
]


@pytest.mark.parametrize(("model", "view"), ANSWERS + QUESTIONS)
def test_the_fields_are_the_same(model: type[BaseModel], view: type[Any]) -> None:
    assert list(model.model_fields) == [field.name for field in dataclasses.fields(view)]


@pytest.mark.parametrize(("model", "_"), ANSWERS)
def test_answers_always_have_all_fields(model: type[BaseModel], _: type[Any]) -> None:
    assert all(field.is_required() for field in model.model_fields.values())


@pytest.mark.parametrize("value", [True, False, "2"])
def test_truth_and_text_are_no_numbers(value: object) -> None:
    questions: list[type[BaseModel]] = [
        model
        for model in vars(models).values()
        if isinstance(model, type) and issubclass(model, models._Question)
    ]
    numbers = [
        (model, name)
        for model in questions
        for name, schema in model.model_json_schema().get("properties", {}).items()
        if {"integer", "number"} & {one.get("type") for one in (schema, *schema.get("anyOf", ()))}
    ]
    assert len(numbers) > 8
    for model, name in numbers:
        with pytest.raises(ValidationError) as caught:
            model.model_validate({name: value})
        wrong = [error for error in caught.value.errors() if error["loc"] == (name,)]
        assert [error["type"] for error in wrong] == ["value_error"], (model, name)


def test_new_machines_have_the_same_defaults() -> None:
    asked = models.NewMachine(name="a").model_dump()
    assert views.NewMachine(**asked) == views.NewMachine("a")


def test_changes_left_out_are_left_out() -> None:
    asked = models.MachineChanges.model_validate({"autostart": None, "cpus": 2})
    changes = views.Changes(**asked.model_dump(exclude_unset=True))
    assert changes.asked() == {"autostart": None, "cpus": 2}


@pytest.mark.parametrize(
    ("model", "field", "key", "bound"),
    [
        (models.NewMachine, "notes", "maxLength", settings.MAX_NOTES),
        (models.NewMachine, "autostart", "maximum", settings.MAX_ORDER),
        (models.NewMachine, "disk_gib", "maximum", plan.MAX_DISK_GIB),
        (models.MachineChanges, "notes", "maxLength", settings.MAX_NOTES),
        (models.NewShare, "label", "maxLength", shares.MAX_LABEL),
        (models.NewShare, "expires_in_s", "maximum", shares.MAX_EXPIRY_S),
    ],
)
def test_bounds_are_those_of_the_broker(
    model: type[BaseModel], field: str, key: str, bound: float
) -> None:
    said = model.model_json_schema()["properties"][field]
    assert next(way[key] for way in said.get("anyOf", [said]) if key in way) == bound


def test_notes_as_long_as_can_be_fit_into_a_body() -> None:
    body = json.dumps({"notes": "字" * settings.MAX_NOTES}, ensure_ascii=False)
    assert len(body.encode()) <= MAX_BODY_BYTES
