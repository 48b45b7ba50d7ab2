"""The session's brain, as a playbook: events in, commands out, and one invariant above all."""

import os

import pytest

from unit.managed.harness import FakeViewer, Playbook
from webvdi.display.source import (
    Bell,
    CredentialsRequired,
    CursorChanged,
    CutText,
    LedsChanged,
    Lost,
    NameChanged,
    PointerModeChanged,
    Updated,
)
from webvdi.framebuffer import Cursor, Framebuffer, Rect
from webvdi.managed.acting import INPUT_ACK_AFTER_S, NUDGE_FOR_S
from webvdi.managed.core import SessionCore
from webvdi.managed.messages import (
    Authenticate,
    Displayed,
    Event,
    Forgotten,
    Hold,
    MachineTold,
    Nudge,
    Point,
    Press,
    Received,
    ViewerId,
)
from webvdi.managed.places import MAX_VIEWERS, MAX_VIEWERS_BY_SHARE
from webvdi.wire import from_viewer as up
from webvdi.wire import to_viewer as down
from webvdi.wire.to_viewer import MachineState, Reason, Role, decode_to_viewer

DEEP = os.environ.get("WEBVDI_TEST_PROFILE") == "deep"


def heard(viewer: FakeViewer, kind: type) -> list[object]:
    return [m for m in viewer.picture.heard if isinstance(m, kind)]


# ---------------------------------------------------------------- coming back


def test_resuming_sends_only_what_was_not_drawn() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.paint(Rect(0, 0, 640, 480), photo=True)
    book.settle()
    before = viewer.picture.payload_bytes
    book.paint(Rect(0, 0, 10, 10), colour=3)
    book.encode()
    book.cut(viewer)
    book.paint(Rect(320, 200, 10, 10), colour=4)
    book.resume(viewer)
    book.settle()
    assert book.exact(viewer)
    assert viewer.picture.payload_bytes - before < 5_000  # two noisy tiles, not a megabyte
    assert viewer.picture.welcome is not None
    assert viewer.picture.welcome.resumed


def test_a_drawn_but_unacknowledged_update_is_not_sent_again() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.paint(Rect(0, 0, 112, 112), photo=True)
    book.encode()
    book.deliver(viewer)
    book.answer(viewer)
    book.encode()
    book.deliver(viewer)
    book.cut(viewer)
    book.resume(viewer)
    assert viewer.picture.lossy_updates == 1
    assert not any(one.key.quality for one in book.encoding), "lossy pixels were taken again"
    book.settle()
    assert book.exact(viewer)


def test_keys_are_released_when_the_connection_breaks() -> None:
    book = Playbook()
    viewer = book.attach()
    book.say(viewer, up.Key(1, True, 0xFFE1, 0x2A), up.Pointer(2, 5, 6, 1))
    book.done.clear()
    book.cut(viewer)
    assert [c for c in book.done if isinstance(c, Press | Point)] == [
        Press(False, 0xFFE1, 0x2A),
        Point(5, 6, 0),
    ]


def test_no_input_is_handled_twice() -> None:
    book = Playbook()
    viewer = book.attach()
    book.say(viewer, up.Key(1, True, 97, 30), up.Key(2, False, 97, 30))
    book.cut(viewer)
    book.resume(viewer)
    book.deliver(viewer)
    assert viewer.picture.welcome is not None
    assert viewer.picture.welcome.last_input == 2
    book.done.clear()
    book.say(viewer, up.Key(2, False, 97, 30), up.Key(3, True, 98, 48))
    assert [c for c in book.done if isinstance(c, Press)] == [Press(True, 98, 48)]


def test_a_forgotten_viewer_is_gone() -> None:
    book = Playbook()
    viewer = book.attach()
    book.cut(viewer)
    book.handle(Forgotten(viewer.identity))
    assert not book.core.viewers
    assert book.handle(Received(viewer.identity, up.Ack(1))) is not None


# ---------------------------------------------------------------- input and rights


def test_observers_look_and_do_not_touch() -> None:
    book = Playbook()
    viewer = book.attach(Role.OBSERVER)
    book.done.clear()
    book.say(
        viewer,
        up.Key(1, True, 97, 30),
        up.Pointer(2, 1, 1, 1),
        up.Text(3, "rm"),
        up.Clipboard(4, "x"),
        up.ScreenSize(5, 9, 9),
        up.GiveCredentials("u", "p"),
    )
    book.pass_time(1)
    assert [c for c in book.done if not isinstance(c, Nudge | Hold)] == []


def test_inputs_are_acknowledged_together() -> None:
    book = Playbook()
    viewer = book.attach()
    book.settle()
    for number in range(1, 6):
        book.say(viewer, up.Key(number, number % 2 == 1, 97, 30))
    book.pass_time(INPUT_ACK_AFTER_S)
    book.deliver(viewer)
    acks = heard(viewer, down.InputAck)
    assert acks[-1] == down.InputAck(5)
    assert len(acks) <= 2


def test_the_refresh_timer_is_kept_awake_while_somebody_acts_and_not_longer() -> None:
    book = Playbook()
    viewer = book.attach()
    book.settle()
    book.done.clear()
    book.say(viewer, up.Key(1, True, 97, 30))
    book.pass_time(NUDGE_FOR_S)
    nudges = book.done.count(Nudge())
    assert 10 <= nudges <= 40
    book.done.clear()
    book.pass_time(5)
    assert book.done.count(Nudge()) <= 1


def test_text_is_typed_stroke_by_stroke() -> None:
    book = Playbook()
    viewer = book.attach()
    book.done.clear()
    book.say(viewer, up.Text(1, "aB"))
    book.pass_time(1)
    presses = [c for c in book.done if isinstance(c, Press)]
    assert [(p.down, p.scancode) for p in presses] == [
        (True, 0x1E),
        (False, 0x1E),
        (True, 0x2A),
        (True, 0x30),
        (False, 0x30),
        (False, 0x2A),
    ]


def test_what_waits_to_be_typed_is_forgotten_with_the_moment() -> None:
    for event in (Displayed(Lost("gone", False)), MachineTold(MachineState.OFF, "")):
        book = Playbook()
        viewer = book.attach()
        book.say(viewer, up.Text(1, "secret" * 100))
        book.handle(event)
        book.done.clear()
        book.pass_time(10)
        assert not [c for c in book.done if isinstance(c, Press)]


def test_a_key_ends_a_long_typing_so_that_nothing_half_typed_is_run() -> None:
    book = Playbook()
    viewer = book.attach()
    book.say(viewer, up.Text(1, "rm -rf /tmp/x and much more that is still to come"))
    book.pass_time(0.1)
    book.done.clear()
    book.say(viewer, up.Key(2, True, 0xFF0D, 0x1C))
    book.pass_time(10)
    assert [c for c in book.done if isinstance(c, Press)] == [Press(True, 0xFF0D, 0x1C)]


def test_a_qemu_named_after_itself_keeps_the_machines_title() -> None:
    book = Playbook()
    viewer = book.attach()
    book.display(NameChanged("QEMU (demo)"))
    book.deliver(viewer)
    assert heard(viewer, down.Name) == []


def test_credentials_go_to_the_display() -> None:
    book = Playbook(0, 0)
    viewer = book.attach()
    book.display(CredentialsRequired(username=False, retry=True))
    book.deliver(viewer)
    assert viewer.picture.machine == down.Machine(MachineState.CREDENTIALS, "password retry")
    book.say(viewer, up.GiveCredentials("", "secret"))
    assert [c.credentials.password for c in book.done if isinstance(c, Authenticate)] == ["secret"]


def test_attaching_twice_is_a_protocol_error() -> None:
    book = Playbook()
    viewer = book.attach()
    book.say(viewer, up.Attach(up.Credential.TICKET, "again"))
    assert [e.reason for e in book.ended] == [Reason.PROTOCOL_ERROR]


def test_viewers_are_bounded() -> None:
    book = Playbook()
    for _ in range(MAX_VIEWERS + 1):
        book.attach()
    assert [e.reason for e in book.ended] == [Reason.TOO_MANY_VIEWERS]
    assert len(book.core.viewers) == MAX_VIEWERS
    book.cut(book.viewers[ViewerId(1)])  # who is away takes no place
    book.ended.clear()
    book.attach()
    assert not book.ended


def guests(book: Playbook, share: str, count: int) -> list[FakeViewer]:
    return [book.attach(Role.OBSERVER, f"{share}:{n}", share=share) for n in range(count)]


def test_one_share_link_cannot_fill_a_session() -> None:
    book = Playbook()
    guests(book, "s-1", MAX_VIEWERS_BY_SHARE)
    assert not book.ended
    (stranger,) = guests(book, "s-1", 1)
    assert [(e.viewer, e.reason) for e in book.ended] == [
        (stranger.identity, Reason.TOO_MANY_VIEWERS)
    ]
    book.ended.clear()
    guests(book, "s-2", 1)
    book.attach()
    assert not book.ended


def test_an_owner_takes_a_visitors_place_of_the_largest_crowd() -> None:
    book = Playbook()
    few = guests(book, "s-1", MAX_VIEWERS - MAX_VIEWERS_BY_SHARE - 1)
    own = book.attach()
    crowd = guests(book, "s-2", MAX_VIEWERS_BY_SHARE)
    (late,) = guests(book, "s-3", 1)
    assert [e.viewer for e in book.ended] == [late.identity]
    book.ended.clear()
    owner = book.attach()
    assert [(e.viewer, e.reason) for e in book.ended] == [
        (crowd[-1].identity, Reason.TOO_MANY_VIEWERS)
    ]
    there = {viewer.identity for viewer in (*few, own, *crowd[:-1], owner)}
    assert set(book.core.viewers) == there
    book.pass_time(1)
    assert {one.viewer for one in book.attendees} == there


def test_who_comes_back_needs_a_place_too() -> None:
    book = Playbook()
    away = guests(book, "s-1", 1)[0]
    book.cut(away)
    guests(book, "s-1", MAX_VIEWERS_BY_SHARE)
    book.resume(away)
    assert [(e.viewer, e.reason) for e in book.ended] == [(away.identity, Reason.TOO_MANY_VIEWERS)]
    assert not away.on_the_way
    book.cut(away)  # the farewell is read
    book.cut(book.viewers[ViewerId(2)])
    book.ended.clear()
    book.resume(away)
    assert not book.ended


# ---------------------------------------------------------------- news


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Bell(), down.RingBell()),
        (CutText("あ"), down.GuestClipboard("あ")),
        (NameChanged("new"), down.Name("new")),
        (LedsChanged(4), down.Leds(4)),
        (PointerModeChanged(False), down.PointerMode(False)),
        (CursorChanged(Cursor(1, 1, 0, 0, b"abcd")), down.CursorShape(0, 0, 1, 1, b"abcd")),
        (Lost("gone", permanent=False), down.Machine(MachineState.LOST, "gone")),
        (Lost("no", permanent=True), down.Machine(MachineState.FAILED, "no")),
    ],
)
def test_news_is_passed_on_and_kept_for_late_joiners(event: object, message: object) -> None:
    book = Playbook()
    viewer = book.attach()
    book.display(event)  # type: ignore[arg-type]
    book.deliver(viewer)
    assert message in viewer.picture.heard
    late = book.attach()
    book.deliver(late)
    passing = isinstance(event, Bell | CutText | NameChanged)
    assert (message in late.picture.heard) != passing


def test_the_broker_may_know_better() -> None:
    book = Playbook()
    viewer = book.attach()
    book.handle(MachineTold(MachineState.OFF, "the guest powered off"))
    book.handle(MachineTold(MachineState.OFF, "the guest powered off"))
    book.deliver(viewer)
    off = down.Machine(MachineState.OFF, "the guest powered off")
    assert viewer.picture.heard.count(off) == 1


@pytest.mark.parametrize("role", [Role.OBSERVER, Role.CONTROLLER])
@pytest.mark.parametrize(
    ("event", "state"),
    [
        (MachineTold(MachineState.OFF, "/home/ada/disk.qcow2: no space"), MachineState.OFF),
        (MachineTold(MachineState.PAUSED, "/home/ada/disk.qcow2 is full"), MachineState.PAUSED),
        (MachineTold(MachineState.FAILED, "/home/ada/disk.qcow2"), MachineState.FAILED),
        (Displayed(Lost("tcp:192.0.2.7:5900", permanent=False)), MachineState.LOST),
        (Displayed(Lost("tcp:192.0.2.7:5900", permanent=True)), MachineState.FAILED),
    ],
)
def test_words_about_the_host_are_for_owners(event: Event, state: MachineState, role: Role) -> None:
    book = Playbook()
    owner = book.attach()
    guest = book.attach(role, "share:s:v", share="s")
    book.handle(event)
    late = book.attach(role, "share:s:w", share="s")
    for viewer in (owner, guest, late):
        book.deliver(viewer)
    told = heard(owner, down.Machine)[-1]
    assert isinstance(told, down.Machine)
    assert told.detail
    for viewer in (guest, late):
        assert heard(viewer, down.Machine)[-1] == down.Machine(state, "")


def test_whoever_may_answer_is_told_what_the_display_asks_for() -> None:
    book = Playbook()
    guest = book.attach(Role.CONTROLLER, "share:s:v", share="s")
    book.display(CredentialsRequired(username=True, retry=True))
    book.deliver(guest)
    asked = down.Machine(MachineState.CREDENTIALS, "username password retry")
    assert heard(guest, down.Machine)[-1] == asked


def test_a_paused_machine_stays_paused_when_its_display_opens() -> None:
    book = Playbook(0, 0)
    book.handle(MachineTold(MachineState.PAUSED, ""))
    book.open(64, 48)
    assert book.core.state.state is MachineState.PAUSED


def test_long_texts_are_cut_to_what_viewers_take() -> None:
    book = Playbook()
    viewer = book.attach()
    book.display(CutText("é" * up.MAX_CLIPBOARD_BYTES))
    book.display(NameChanged("名" * 30_000))
    book.deliver(viewer)  # raises where a message is too long for its reader
    (clipboard,) = heard(viewer, down.GuestClipboard)
    assert clipboard == down.GuestClipboard("é" * (up.MAX_CLIPBOARD_BYTES // 2))


def test_pings_are_answered_with_their_token() -> None:
    book = Playbook()
    viewer = book.attach()
    book.say(viewer, up.Ping(77), up.Pong(1))
    book.deliver(viewer)
    assert heard(viewer, up.Pong) == [up.Pong(77)]


def test_an_idle_session_asks_for_no_wake_up() -> None:
    book = Playbook()
    book.attach()
    book.settle()
    book.pass_time(10)
    assert book.wake is None


def test_strangers_are_passed_over() -> None:
    core = SessionCore(Framebuffer(8, 8), "t", b"secret")
    assert core.handle(Received(ViewerId(9), up.Ping(1)), 0.0) == []


# ---------------------------------------------------------------- sizes


def sizes(viewer: FakeViewer) -> list[tuple[int, int]]:
    """Which are on their way to the viewer."""
    messages = map(decode_to_viewer, viewer.on_the_way)
    return [(m.width, m.height) for m in messages if isinstance(m, down.Desktop)]


def test_a_display_that_changes_size_ever_again_is_told_as_fast_as_it_can_be_drawn() -> None:
    book = Playbook()
    viewer, hidden = book.attach(), book.attach()
    book.settle()
    book.say(hidden, up.Visibility(False))
    for number in range(200):
        book.resize(65 + number, 48)
        book.display(Updated())
        book.encode()
    assert 0 < len(sizes(viewer)) <= 8
    assert not sizes(hidden)
    book.settle()
    assert book.exact(viewer)
    book.say(hidden, up.Visibility(True))
    assert sizes(hidden) == [(264, 48)]
    book.settle()
    assert book.exact(hidden)


def test_a_size_is_told_when_its_picture_is_whole() -> None:
    book = Playbook()
    viewer = book.attach()
    book.settle()
    book.settled(False)
    book.resize(100, 30)
    book.resize(90, 30)
    assert not viewer.on_the_way
    book.settled(True)
    book.display(Updated())
    assert sizes(viewer) == [(90, 30)]
    book.settle()
    assert book.exact(viewer)


def test_a_size_that_was_left_and_came_back_is_no_news_but_its_picture_is() -> None:
    book = Playbook()
    viewer = book.attach()
    book.paint(Rect(0, 0, 64, 48), colour=7)
    book.settle()
    book.settled(False)
    book.resize(100, 30)
    book.resize(64, 48)
    book.settled(True)
    book.display(Updated())
    assert not sizes(viewer)
    book.settle()
    assert book.exact(viewer)


def test_a_size_that_waits_for_room_is_told_when_there_is_without_a_word() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    for _ in range(5):  # a link that is known
        book.paint(Rect(0, 0, 16, 16))
        book.settle()
    book.paint(Rect(0, 0, 200, 200), photo=True)
    book.encode()
    book.resize(600, 480)
    book.display(Updated())
    assert not sizes(viewer)
    assert book.wake is not None
    book.pass_time(8)
    assert sizes(viewer) == [(600, 480)]
