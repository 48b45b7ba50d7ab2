"""Control of the guest: whose it is, how it moves, and that nobody else's input gets through."""

import os
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    multiple,
    rule,
)

from unit.managed.harness import FakeViewer, Playbook
from webvdi.display.source import CutText
from webvdi.managed.control import IDLE_S
from webvdi.managed.messages import (
    AccessEnded,
    Command,
    Forgotten,
    InputCommand,
    Move,
    Point,
    Press,
    RequestSize,
    SetClipboard,
)
from webvdi.wire import from_viewer as up
from webvdi.wire import to_viewer as down
from webvdi.wire.from_viewer import Control, ControlAction
from webvdi.wire.to_viewer import PersonFlag, Reason, Role

DEEP = os.environ.get("WEBVDI_TEST_PROFILE") == "deep"
INPUTS = (Press, Point, Move, SetClipboard, RequestSize)


class Room(Playbook):
    """A playbook whose people number their own inputs."""

    def __init__(self) -> None:
        super().__init__()
        self._inputs = 0

    @property
    def number(self) -> int:
        self._inputs += 1
        return self._inputs

    def act(self, viewer: FakeViewer, message: up.Input) -> list[InputCommand]:
        """One input; what of it the guest is told."""
        self.done.clear()
        self.say(viewer, message)
        return reached(self.done)

    def press(self, viewer: FakeViewer, keysym: int = 97) -> list[InputCommand]:
        return self.act(viewer, up.Key(self.number, True, keysym, 0))

    def move(self, viewer: FakeViewer, x: int = 5, buttons: int = 0) -> list[InputCommand]:
        return self.act(viewer, up.Pointer(self.number, x, 5, buttons))

    def wish(self, viewer: FakeViewer, action: ControlAction, whom: int = 0) -> list[InputCommand]:
        self.done.clear()
        self.say(viewer, Control(action, whom))
        return reached(self.done)

    @property
    def controlling(self) -> set[int]:
        """The viewers that control, as the broker is told."""
        self.pass_time(0.1)
        return {int(a.viewer) for a in self.attendees if a.controls}

    def told(self, viewer: FakeViewer) -> dict[int, down.Person]:
        """The people, as *viewer* is told last."""
        self.pass_time(0.1)
        self.deliver(viewer)
        people = [m for m in viewer.picture.heard if isinstance(m, down.People)]
        return {p.viewer: p for p in people[-1].people}


def reached(commands: Iterable[Command]) -> list[InputCommand]:
    return [c for c in commands if isinstance(c, INPUTS)]


@pytest.fixture
def room() -> Room:
    return Room()


# ---------------------------------------------------------------- taking and holding


def test_a_person_alone_never_notices(room: Room) -> None:
    viewer = room.attach()
    assert room.controlling == set()
    assert room.move(viewer) == [Point(5, 5, 0)]
    assert room.press(viewer) == [Press(True, 97, 0)]
    assert room.controlling == {1}


def test_while_somebody_controls_the_inputs_of_others_do_nothing(room: Room) -> None:
    a, b = room.attach(subject="a"), room.attach(Role.CONTROLLER, "b")
    room.press(a)
    for message in (
        up.Key(1, True, 98, 0),
        up.Pointer(2, 1, 1, 1),
        up.Motion(3, 1, 1, 1),
        up.Wheel(4, 1, 1, 0, 1),
        up.Text(5, "x"),
        up.Clipboard(6, "x"),
        up.ScreenSize(7, 9, 9),
        up.ReleaseKeys(8),
        up.Key(9, False, 97, 0),
    ):
        assert room.act(b, message) == []
    room.pass_time(1)
    room.deliver(b)
    assert [m for m in b.picture.heard if isinstance(m, down.InputAck)][-1] == down.InputAck(9)


def test_all_viewers_of_one_person_share_control(room: Room) -> None:
    first, second = room.attach(subject="a"), room.attach(subject="a")
    room.attach(Role.OBSERVER, subject="a")
    room.press(first)
    assert room.press(second, 98) == [Press(True, 98, 0)]
    assert room.controlling == {1, 2, 3}


def test_an_observing_viewer_of_the_person_in_control_does_not_act(room: Room) -> None:
    acts, looks = room.attach(subject="a"), room.attach(Role.OBSERVER, "a")
    room.press(acts)
    assert room.press(looks) == []


def test_a_page_that_asks_for_a_size_by_itself_takes_no_control(room: Room) -> None:
    viewer = room.attach()
    assert room.act(viewer, up.ScreenSize(1, 800, 600)) == [RequestSize(800, 600)]
    assert room.controlling == set()


# ---------------------------------------------------------------- passing it on


def test_a_request_is_seen_and_granted(room: Room) -> None:
    a, b = room.attach(Role.CONTROLLER, "a"), room.attach(Role.CONTROLLER, "b", name="Bo")
    room.press(a)
    room.wish(b, ControlAction.REQUEST)
    assert room.told(a)[2] == down.Person(2, Role.CONTROLLER, PersonFlag.ASKS, 1, "Bo")
    assert room.wish(a, ControlAction.GRANT, 2) == [Press(False, 97, 0)]
    assert room.controlling == {2}
    assert room.told(b)[2].flags == PersonFlag.CONTROLS | PersonFlag.YOU
    assert room.press(a) == []
    assert room.press(b) == [Press(True, 97, 0)]


def test_a_request_is_declined(room: Room) -> None:
    a, b = room.attach(subject="a"), room.attach(Role.CONTROLLER, "b")
    room.press(a)
    room.wish(b, ControlAction.REQUEST)
    room.wish(a, ControlAction.DECLINE, 2)
    assert room.told(b)[2].flags == PersonFlag.YOU
    assert room.controlling == {1}


def test_a_request_is_taken_back(room: Room) -> None:
    a, b = room.attach(subject="a"), room.attach(Role.CONTROLLER, "b")
    room.press(a)
    room.wish(b, ControlAction.REQUEST)
    room.wish(b, ControlAction.RELEASE)
    room.wish(a, ControlAction.RELEASE)
    assert room.controlling == set()


def test_an_owner_takes_and_a_controller_cannot(room: Room) -> None:
    a, b = room.attach(Role.CONTROLLER, "a"), room.attach(Role.OWNER, "b")
    room.press(b)
    room.wish(a, ControlAction.TAKE)
    assert room.controlling == {2}
    room.wish(b, ControlAction.GRANT, 1)
    room.press(a, 99)
    assert room.wish(b, ControlAction.TAKE) == [Press(False, 99, 0)]
    assert room.controlling == {2}


def test_an_owner_decides_for_others_and_a_bystander_does_not(room: Room) -> None:
    a, b = room.attach(Role.CONTROLLER, "a"), room.attach(Role.CONTROLLER, "b")
    owner, bystander = room.attach(Role.OWNER, "o"), room.attach(Role.CONTROLLER, "c")
    room.press(a)
    room.wish(b, ControlAction.REQUEST)
    room.wish(bystander, ControlAction.GRANT, 2)
    room.wish(bystander, ControlAction.DECLINE, 2)
    assert room.controlling == {1}
    assert room.told(owner)[2].flags == PersonFlag.ASKS
    room.wish(owner, ControlAction.GRANT, 2)
    assert room.controlling == {2}


@pytest.mark.parametrize("whom", [2, 99])
def test_control_is_not_granted_to_observers_or_nobody(room: Room, whom: int) -> None:
    a = room.attach(subject="a")
    room.attach(Role.OBSERVER, "b")
    room.press(a)
    room.wish(a, ControlAction.GRANT, whom)
    assert room.controlling == {1}


def test_an_observer_can_wish_for_nothing(room: Room) -> None:
    viewer = room.attach(Role.OBSERVER)
    for action in ControlAction:
        room.wish(viewer, action, 1)
    assert room.controlling == set()
    assert room.told(viewer)[1].flags == PersonFlag.YOU


def test_among_others_a_mere_move_takes_no_control(room: Room) -> None:
    a, b = room.attach(subject="a"), room.attach(Role.CONTROLLER, "b")
    room.press(a)
    room.wish(a, ControlAction.RELEASE)
    assert room.move(a) == room.move(b) == []
    assert room.controlling == set()
    assert room.move(b, buttons=1) == [Point(5, 5, 1)]
    assert room.controlling == {2}


def test_onlookers_do_not_keep_a_move_from_the_guest(room: Room) -> None:
    a = room.attach(subject="a")
    room.attach(Role.OBSERVER, "b")
    assert room.move(a) == [Point(5, 5, 0)]


def test_released_control_goes_to_whoever_asked_first(room: Room) -> None:
    a, b, c = (room.attach(subject=s) for s in "abc")
    room.press(a)
    room.wish(c, ControlAction.REQUEST)
    room.wish(b, ControlAction.REQUEST)
    room.wish(a, ControlAction.RELEASE)
    assert room.controlling == {3}


def test_an_idle_holder_yields_to_who_asked_and_to_nobody_else(room: Room) -> None:
    a, b, c = (room.attach(Role.CONTROLLER, s) for s in "abc")
    room.press(a)
    room.wish(b, ControlAction.REQUEST)
    room.pass_time(IDLE_S - 1)
    assert room.move(b) == []
    room.pass_time(1)
    assert room.press(c) == []
    assert room.move(b) == [Press(False, 97, 0), Point(5, 5, 0)]
    assert room.controlling == {2}


def test_a_holder_who_acts_is_not_idle(room: Room) -> None:
    a, b = room.attach(subject="a"), room.attach(Role.CONTROLLER, "b")
    room.press(a)
    room.wish(b, ControlAction.REQUEST)
    for _ in range(5):
        room.pass_time(IDLE_S - 1)
        room.move(a, x=room.number)
    assert room.press(b) == []


def test_who_leaves_with_the_last_viewer_loses_control(room: Room) -> None:
    a, a2, b = room.attach(subject="a"), room.attach(subject="a"), room.attach(subject="b")
    room.press(a)
    room.cut(a)
    assert room.press(b) == []
    room.cut(a2)
    assert room.press(b) == [Press(True, 97, 0)]
    room.resume(a)
    assert room.press(a) == []
    assert room.controlling == {3}


def test_what_waits_to_be_typed_is_dropped_when_control_moves(room: Room) -> None:
    a, b = room.attach(subject="a"), room.attach(subject="b")
    room.act(a, up.Text(room.number, "rm -rf and a lot more"))
    room.wish(b, ControlAction.TAKE)
    room.done.clear()
    room.pass_time(5)
    assert reached(room.done) == []


def test_an_onlooker_who_leaves_does_not_stop_the_typing_of_another(room: Room) -> None:
    a, b = room.attach(subject="a"), room.attach(Role.OBSERVER, "b")
    room.act(a, up.Text(room.number, "abc"))
    room.cut(b)
    room.pass_time(1)
    assert len(reached(room.done)) >= 4


# ---------------------------------------------------------------- rights that end


def test_access_that_ends_ends_the_viewer_and_lets_go_of_everything(room: Room) -> None:
    a, b = room.attach(subject="a"), room.attach(Role.CONTROLLER, "b", share="s")
    room.press(b, 65)
    room.done.clear()
    room.handle(AccessEnded(b.identity, "the link was revoked"))
    assert reached(room.done) == [Press(False, 65, 0)]
    assert [(e.viewer, e.reason) for e in room.ended] == [(2, Reason.REVOKED)]
    assert room.ended[0].message == "the link was revoked"
    assert list(room.core.viewers) == [a.identity]
    assert room.press(b) == []
    assert room.press(a) == [Press(True, 97, 0)]


def test_access_of_somebody_who_is_away_ends_silently(room: Room) -> None:
    viewer = room.attach()
    room.cut(viewer)
    room.handle(AccessEnded(viewer.identity, "over"))
    assert not room.ended
    assert not room.core.viewers


def test_the_guests_clipboard_is_for_whoever_acts_there(room: Room) -> None:
    a, b = room.attach(subject="a"), room.attach(subject="b")
    looks = room.attach(Role.OBSERVER, "c")

    def heard_by(*viewers: FakeViewer) -> list[bool]:
        for viewer in viewers:
            room.deliver(viewer)
        return [any(isinstance(m, down.GuestClipboard) for m in v.picture.heard) for v in viewers]

    room.press(a)
    room.display(CutText("secret"))
    assert heard_by(a, b, looks) == [True, False, False]
    room.wish(a, ControlAction.RELEASE)
    room.display(CutText("secret"))
    assert heard_by(a, b, looks) == [True, True, False]


# ---------------------------------------------------------------- any interleaving

SUBJECTS = ("a", "b", "c")


class AnyInterleaving(RuleBasedStateMachine):
    """Whatever people do: one person acts at a time, and leaves nothing pressed behind."""

    viewers: Bundle[tuple[FakeViewer, Role, str]] = Bundle("viewers")

    def __init__(self) -> None:
        super().__init__()
        self.room = Room()
        self.last_act = float("-inf")
        self.typed_by: str | None = None
        self.down: dict[tuple[int, int], str] = {}
        self.buttons: tuple[int, str] = (0, "")

    # ---- what a witness can know

    def holder(self) -> str | None:
        return self.room.core.acting._crowd.lease.holder

    def asks(self, subject: str) -> bool:
        return subject in self.room.core.acting._crowd.lease.asking

    def note(self, by: str | None = None) -> None:
        """Keep account of what the guest holds down, and for whom: *by*, or whoever typed."""
        by = by or self.typed_by
        for command in reached(self.room.done):
            match command:
                case Press(True, keysym, scancode):
                    assert by is not None
                    self.down[keysym, scancode] = by
                case Press(False, keysym, scancode):
                    self.down.pop((keysym, scancode), None)
                case Point(_, _, buttons) | Move(_, _, buttons):
                    self.buttons = (buttons, by or "")
                case _:
                    pass
        self.room.done.clear()
        holder = self.holder()
        assert set(self.down.values()) <= {holder}, "a key is held for somebody without control"
        assert not self.buttons[0] or self.buttons[1] == holder, "a button likewise"

    # ---- coming and going

    @rule(target=viewers, role=st.sampled_from(Role), subject=st.sampled_from(SUBJECTS))
    def join(
        self, role: Role, subject: str
    ) -> tuple[FakeViewer, Role, str] | MultipleResults[tuple[FakeViewer, Role, str]]:
        if len(self.room.core.viewers) > 8:
            return multiple()
        viewer = self.room.attach(role, subject)
        self.note()
        return (viewer, role, subject)

    @rule(who=viewers, back=st.booleans())
    def lose_the_connection(self, who: tuple[FakeViewer, Role, str], back: bool) -> None:
        if who[0].connected:
            self.room.cut(who[0])
            self.note()
        elif back:
            self.room.resume(who[0])
            self.note()

    @rule(who=consumes(viewers), revoked=st.booleans())
    def end(self, who: tuple[FakeViewer, Role, str], revoked: bool) -> None:
        identity = who[0].identity
        self.room.handle(AccessEnded(identity, "over") if revoked else Forgotten(identity))
        who[0].connected = False
        self.note()
        assert self.room.act(who[0], up.Key(self.room.number, True, 97, 0)) == []

    # ---- acting

    @rule(
        who=viewers,
        message=st.sampled_from(
            [
                up.Key(0, True, 97, 30),
                up.Key(0, True, 98, 48),
                up.Key(0, False, 97, 30),
                up.Pointer(0, 3, 4, 0),
                up.Pointer(0, 3, 5, 1),
                up.Motion(0, 1, 1, 2),
                up.Wheel(0, 1, 1, 0, 1),
                up.Text(0, "text"),
                up.Clipboard(0, "x"),
                up.ReleaseKeys(0),
                up.ScreenSize(0, 9, 9),
            ]
        ),
    )
    def act(self, who: tuple[FakeViewer, Role, str], message: up.Input) -> None:
        viewer, role, subject = who
        if not viewer.connected:
            return
        before = self.holder()
        idle = self.room.now - self.last_act >= IDLE_S
        may = role is not Role.OBSERVER and (
            before in (None, subject) or (idle and self.asks(subject))
        )
        told = self.room.act(viewer, replace(message, input=self.room.number))
        if not may:
            assert told == []
            assert self.holder() == before
        elif self.holder() == subject and not isinstance(message, up.ScreenSize | up.ReleaseKeys):
            if not (isinstance(message, up.Key) and not message.down):
                self.last_act = self.room.now
            if isinstance(message, up.Text):
                self.typed_by = subject
        self.note(subject)

    @rule(who=viewers, action=st.sampled_from(ControlAction), whom=st.integers(0, 9))
    def wish(self, who: tuple[FakeViewer, Role, str], action: ControlAction, whom: int) -> None:
        viewer, role, subject = who
        if not viewer.connected:
            return
        before = self.holder()
        self.room.wish(viewer, action, whom)
        if self.holder() != before:
            assert role is not Role.OBSERVER
            allowed = role is Role.OWNER or before in (None, subject)
            assert allowed, "control moved by somebody who had no say"
            self.last_act = self.room.now
        self.note()

    @rule(seconds=st.sampled_from([0.01, 0.5, 30.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.room.done.clear()
        self.room.pass_time(seconds)
        if reached(self.room.done):
            assert self.typed_by == self.holder(), "typed for somebody without control"
        self.note()

    def teardown(self) -> None:
        self.room.pass_time(0.2)
        self.note()
        people = {(a.viewer, a.controls) for a in self.room.attendees}
        connected = {v.id for v in self.room.core.viewers.values() if v.connected}
        assert {viewer for viewer, _ in people} == connected
        holders = {
            self.room.core.viewers[viewer].admission.subject for viewer, holds in people if holds
        }
        assert len(holders) <= 1
        for identity in list(self.room.core.viewers):
            self.room.handle(Forgotten(identity))
        self.note()
        assert not self.down
        assert self.holder() is None


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(
    max_examples=2000 if DEEP else 120,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
