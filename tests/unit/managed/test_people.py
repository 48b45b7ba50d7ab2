"""Who is here: told to each viewer in its own words, and to the broker; not too often."""

from unit.managed.harness import FakeViewer, Playbook
from webvdi.managed.messages import Attendee, ViewerId
from webvdi.wire.from_viewer import Control, ControlAction, Key
from webvdi.wire.to_viewer import COLOURS, People, Person, PersonFlag, Role


def told(book: Playbook, viewer: FakeViewer) -> list[People]:
    book.pass_time(0.1)
    book.deliver(viewer)
    people = [m for m in viewer.picture.heard if isinstance(m, People)]
    viewer.picture.heard.clear()
    return people


def test_each_viewer_is_told_who_it_is_and_who_is_the_same_person() -> None:
    book = Playbook()
    first = book.attach(Role.OWNER, "a", name="Aki")
    book.attach(Role.OBSERVER, "b")
    other = book.attach(Role.OWNER, "a", name="Aki")
    assert told(book, first)[-1].people == (
        Person(1, Role.OWNER, PersonFlag.YOU, 0, "Aki"),
        Person(2, Role.OBSERVER, 0, 1, ""),
        Person(3, Role.OWNER, PersonFlag.SAME_PERSON, 0, "Aki"),
    )
    assert [p.flags for p in told(book, other)[-1].people] == [
        PersonFlag.SAME_PERSON,
        0,
        PersonFlag.YOU,
    ]


def test_who_leaves_is_gone_and_keeps_the_colour_on_return() -> None:
    book = Playbook()
    a, b, c = (book.attach(subject=s) for s in "abc")
    book.cut(b)
    assert [p.viewer for p in told(book, a)[-1].people] == [1, 3]
    book.resume(b)
    book.attach(subject="d")
    assert [(p.viewer, p.colour) for p in told(book, c)[-1].people] == [
        (1, 0),
        (3, 2),
        (2, 1),
        (4, 3),
    ]


def test_colours_are_shared_only_when_there_are_none_left_and_do_not_run_out() -> None:
    book = Playbook()
    first = book.attach(subject="0")
    for number in range(1, 60):
        viewer = book.attach(subject=str(number))
        if number >= COLOURS:
            book.cut(viewer)
    colours = [p.colour for p in told(book, first)[-1].people]
    assert colours == list(range(COLOURS))


def test_the_broker_is_told_who_is_here_and_that_nobody_is() -> None:
    book = Playbook()
    viewer = book.attach(Role.CONTROLLER, "a", name="Aki")
    book.say(viewer, Key(1, True, 97, 30))
    book.pass_time(0.1)
    assert book.attendees == (Attendee(ViewerId(1), "Aki", Role.CONTROLLER, True, 1.0),)
    book.cut(viewer)
    book.pass_time(0.1)
    assert len(book.attendees) == 0


def test_who_asks_and_unasks_all_the_time_floods_nobody() -> None:
    book = Playbook()
    a, b = book.attach(subject="a"), book.attach(Role.CONTROLLER, "b")
    book.say(a, Key(1, True, 97, 30))
    told(book, a)
    for _ in range(500):
        book.say(b, Control(ControlAction.REQUEST), Control(ControlAction.RELEASE))
        book.pass_time(0.001)
    assert len(told(book, a)) <= 12
