"""What viewers are sent of the picture: as little as can be, the newest first, exact at last."""

import numpy as np
import pytest

from unit.managed import written
from unit.managed.harness import FakeViewer, Playbook
from webvdi.codecs import sketched
from webvdi.display.source import Lost, Opened, Updated
from webvdi.framebuffer import Rect, covered
from webvdi.framebuffer.grid import pixel_slices
from webvdi.managed import encodes as encodes_module
from webvdi.managed import keeper as keeper_module
from webvdi.managed import pixels as pixels_module
from webvdi.managed.messages import Hold, Nudge, Watch
from webvdi.managed.pacing import Allowance, Pacer
from webvdi.managed.pixels import ENCODING_LONG_S, KEEP_REST_S, REST_S
from webvdi.wire import from_viewer as up
from webvdi.wire import to_viewer as down
from webvdi.wire.from_viewer import Capability
from webvdi.wire.pieces import decode_sheet
from webvdi.wire.to_viewer import Codec
from webvdi.wire.to_viewer import decode_to_viewer as down_message


def drawn(viewer: FakeViewer) -> dict[Codec, int]:
    """Pieces by codec that the viewer has drawn since the last call."""
    drawn = dict(viewer.picture.codecs)
    viewer.picture.codecs.clear()
    return drawn


# ---------------------------------------------------------------- the picture


def turn(book: Playbook, *viewers: FakeViewer) -> None:
    """Encoders finish, messages arrive, and so do acks."""
    book.encode()
    for viewer in viewers:
        book.deliver(viewer)
        book.answer(viewer)


def area_of(piece: down.Piece) -> int:
    """Pixels that a piece holds."""
    if piece.codec in (Codec.KEEP, Codec.COPY, Codec.CACHED):
        return 0
    if piece.codec is Codec.SHEET:
        return sum(part.width * part.height for part in decode_sheet(piece.payload).parts)
    return piece.width * piece.height


def test_a_late_joiner_gets_the_whole_picture() -> None:
    book = Playbook()
    book.paint(Rect(5, 5, 30, 20))
    viewer = book.attach()
    book.settle()
    assert book.exact(viewer)
    assert viewer.picture.last_update == 1


def test_only_what_changed_is_sent() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.settle()
    before = viewer.picture.payload_bytes
    book.paint(Rect(100, 100, 10, 10))
    book.settle()
    assert book.exact(viewer)
    assert viewer.picture.payload_bytes - before < 200


def test_two_viewers_share_one_encode() -> None:
    book = Playbook(640, 480)
    a, b = book.attach(), book.attach()
    book.settle()
    book.paint(Rect(0, 0, 300, 300), photo=True)
    assert len(book.encoding) == 1
    book.settle()
    assert book.exact(a)
    assert book.exact(b)


def test_a_viewer_that_needs_the_same_later_costs_no_encode() -> None:
    book = Playbook(640, 480)
    book.attach()
    book.paint(Rect(0, 0, 640, 480), photo=True)
    book.settle()
    late = book.attach()
    assert book.encoding
    book.encode()
    later = book.attach()
    assert not book.encoding
    book.settle()
    assert book.exact(late)
    assert book.exact(later)


def test_a_slow_viewer_gets_newer_pixels_not_more() -> None:
    book = Playbook()
    viewer = book.attach()
    book.settle()
    sent = viewer.picture.last_update
    for colour in range(200):
        book.paint(Rect(0, 0, 16, 16), colour=colour)
        book.encode()
    assert len(viewer.on_the_way) <= 6
    book.settle()
    assert book.exact(viewer)
    assert viewer.picture.last_update - sent <= 8


def test_what_waits_for_room_goes_when_there_is_without_a_word() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    for _ in range(5):  # a link that is known
        book.paint(Rect(0, 0, 16, 16))
        book.settle()
    book.paint(Rect(0, 0, 200, 200), photo=True)
    book.encode()
    book.paint(Rect(300, 300, 16, 16))
    book.encode()
    sent = len(viewer.on_the_way)
    assert book.wake is not None
    book.pass_time(8)  # in the playbook's world bytes take long
    book.encode()
    assert len(viewer.on_the_way) == sent + 1


def test_a_stalled_viewer_does_not_hold_the_others() -> None:
    book = Playbook()
    stalled, lively = book.attach(), book.attach()
    for colour in range(50):
        book.paint(Rect(0, 0, 16, 16), colour=colour)
        book.encode()
        book.deliver(lively)
        book.answer(lively)
    assert book.exact(lively)
    assert lively.picture.last_update > 40
    assert stalled.picture.last_update == 0


def test_photographs_go_lossy_at_once_and_exact_when_they_rest() -> None:
    book = Playbook(256, 256)
    viewer = book.attach()
    book.settle()
    book.paint(Rect(0, 0, 256, 256), photo=True)
    book.encode()
    book.deliver(viewer)
    assert viewer.picture.lossy_updates == 1
    assert not book.exact(viewer)
    book.answer(viewer)
    assert not book.encoding, "refined before it rested"
    book.pass_time(REST_S * 1.1)
    for _ in range(3):
        turn(book, viewer)
    assert book.exact(viewer)


def test_what_rests_is_refined_while_the_rest_of_the_screen_moves() -> None:
    book = Playbook(256, 256)
    viewer = book.attach()
    book.paint(Rect(0, 0, 256, 128), photo=True)
    for _ in range(60):
        book.paint(Rect(0, 128, 256, 128), photo=True)
        book.encode()
        book.deliver(viewer)
        book.answer(viewer)
        book.pass_time(0.02)
    shown = viewer.picture.rgb[:128]
    assert (shown == book.mirror.pixels[:128, :, 2::-1]).all()


def test_no_update_from_half_a_picture() -> None:
    book = Playbook()
    viewer = book.attach()
    book.settle()
    book.core.pixels.settled = False
    book.paint(Rect(0, 0, 16, 16), colour=9)
    assert not book.encoding
    book.core.pixels.settled = True
    book.display(Updated())
    book.settle()
    assert book.exact(viewer)


def test_half_a_picture_left_by_a_lost_link_is_shown_to_nobody() -> None:
    book = Playbook()
    viewer = book.attach()
    book.settle()
    sent = viewer.picture.last_update
    book.core.pixels.settled = False
    book.mirror.put(Rect(0, 0, 16, 16), np.full((16, 16, 4), 9, np.uint8))
    book.display(Lost("gone", permanent=False))
    book.core.pixels.settled = True  # there is no source any more
    book.say(viewer, up.Ping(1))
    book.encode()
    book.deliver(viewer)
    assert viewer.picture.last_update == sent
    book.display(Opened(64, 48, "screen"))
    book.display(Updated())
    book.settle()
    assert book.exact(viewer)


def test_an_update_stays_below_its_bound_however_large_the_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pixels_module, "MAX_UPDATE_AREA", 512 * 64)
    monkeypatch.setattr(pixels_module, "MAX_PIECE_AREA", 512 * 64)  # of a refinement
    book = Playbook(512, 500)
    viewer = book.attach()
    book.paint(Rect(0, 0, 512, 500), photo=True)
    largest = 0
    for _ in range(200):
        book.encode()
        for data in viewer.on_the_way:
            message = down_message(data)
            if isinstance(message, down.Update):
                largest = max(largest, sum(map(area_of, message.pieces)))
        book.deliver(viewer)
        book.answer(viewer)
        book.pass_time(0.05)
    assert 0 < largest <= 512 * 64
    assert book.exact(viewer)


def test_a_hidden_viewer_costs_nothing_and_catches_up() -> None:
    book = Playbook()
    viewer = book.attach()
    book.settle()
    book.say(viewer, up.Visibility(False))
    assert Watch(False) in book.done
    book.paint(Rect(0, 0, 40, 40))
    assert not book.encoding
    assert not viewer.on_the_way
    book.done.clear()
    book.say(viewer, up.Visibility(True))
    assert Watch(True) in book.done
    assert Nudge() in book.done
    book.settle()
    assert book.exact(viewer)


def test_a_new_size_reaches_viewers_in_order() -> None:
    book = Playbook()
    viewer = book.attach()
    book.settle()
    book.paint(Rect(0, 0, 64, 48), photo=True)
    book.resize(100, 30)  # while the old size is being encoded
    book.paint(Rect(50, 10, 20, 20))
    book.settle()
    assert viewer.picture.rgb.shape == (30, 100, 3)
    assert book.exact(viewer)


def test_nothing_is_shown_before_a_reconnected_display_has_drawn() -> None:
    book = Playbook()
    viewer = book.attach()
    book.paint(Rect(0, 0, 64, 48), colour=77)
    book.settle()
    book.display(Lost("gone", permanent=False))
    book.mirror.resize(64, 48)  # the new link begins black
    book.display(Opened(64, 48, "screen"))
    book.encode()
    book.deliver(viewer)
    assert (viewer.picture.rgb == 77).all(), "the picture was wiped while reconnecting"
    book.paint(Rect(0, 0, 64, 48), colour=78)
    book.settle()
    assert book.exact(viewer)


def test_the_cache_of_encoded_pieces_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodes_module, "KEPT_BYTES", 100_000)
    book = Playbook(256, 256)
    viewer = book.attach()
    for _ in range(5):
        book.paint(Rect(0, 0, 256, 256), photo=True)
        book.settle()
    encodes = book.core.pixels._encodes
    assert sum(len(e.payload) for e in encodes._done.values()) == encodes._done_bytes
    assert encodes._done_bytes <= 100_000 or len(encodes._done) == 1
    assert book.exact(viewer)


# ---------------------------------------------------------------- what overtakes


def shows(book: Playbook, viewer: FakeViewer, rect: Rect) -> bool:
    """Whether the viewer shows what the mirror holds there."""
    area = pixel_slices(rect)
    return np.array_equal(viewer.picture.rgb[area], book.mirror.pixels[area][:, :, 2::-1])


ECHO = Rect(600, 440, 10, 16)


def encoding_a_photograph() -> tuple[Playbook, FakeViewer]:
    """One of most of the screen is being encoded; it has been on no way yet."""
    book = Playbook(640, 480)
    viewer = book.attach()
    book.settle()
    book.paint(Rect(0, 0, 640, 400), photo=True)
    assert book.encoding
    assert not viewer.on_the_way
    return book, viewer


def test_a_keys_echo_does_not_wait_for_a_photograph_that_is_being_encoded() -> None:
    book, viewer = encoding_a_photograph()
    before = viewer.picture.last_update
    for number in (1, 2):
        book.paint(ECHO)
        book.deliver(viewer)
        book.answer(viewer)
        assert shows(book, viewer, ECHO)
        assert viewer.picture.last_update == before + number
    assert not shows(book, viewer, Rect(0, 0, 640, 400))
    book.encode()
    book.deliver(viewer)
    assert viewer.picture.last_update == before + 3
    assert viewer.picture.lossy_updates == 1
    book.settle()
    assert book.exact(viewer)


def test_everybody_who_waits_for_a_photograph_is_sent_the_echo_encoded_once() -> None:
    book, viewer = encoding_a_photograph()
    other = book.attach()
    book.settle()
    book.paint(Rect(0, 0, 640, 400), photo=True)
    book.paint(ECHO)
    assert [len(each.on_the_way) for each in (viewer, other)] == [1, 1]
    assert viewer.on_the_way[0][5:] == other.on_the_way[0][5:]
    book.settle()
    assert book.exact(viewer)
    assert book.exact(other)


def test_what_the_photograph_covers_or_what_is_larger_waits_for_it() -> None:
    book, viewer = encoding_a_photograph()
    book.paint(Rect(600, 10, 10, 16))
    assert not viewer.on_the_way
    book.paint(Rect(0, 420, 640, 40))
    assert not viewer.on_the_way
    book.paint(ECHO)
    assert not viewer.on_the_way, "it would be shown without what came before it"
    book.settle()
    assert book.exact(viewer)


def test_an_echo_waits_for_the_link_as_everything_does() -> None:
    book, viewer = encoding_a_photograph()
    sent = 0
    while book.core.viewers[viewer.identity].pacer.may_send(book.now):
        sent += 1
        book.paint(ECHO)
        assert len(viewer.on_the_way) == sent
    book.paint(ECHO)
    assert len(viewer.on_the_way) == sent
    book.settle()
    assert book.exact(viewer)


@pytest.mark.parametrize("arrives", [False, True])
def test_an_echo_that_went_ahead_is_sent_again_only_if_it_was_lost(arrives: bool) -> None:
    book, viewer = encoding_a_photograph()
    book.paint(ECHO)
    if arrives:
        book.deliver(viewer)
    book.cut(viewer)
    book.encode()
    known = book.core.viewers[viewer.identity]
    known.resumed(viewer.picture.last_update)
    assert bool(known.sight.stale[covered(ECHO)].any()) != arrives
    book.resume(viewer)
    book.settle()
    assert book.exact(viewer)


# ---------------------------------------------------------------- slow links


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the playbook's world every link is fast; but this is what a pacer says of a slow one."""
    monkeypatch.setattr(Pacer, "allowance", lambda _self, _now: Allowance(16_384, 36))


@pytest.mark.usefixtures("slow")
def test_a_slow_link_shows_a_sketch_of_text_and_then_the_text() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.settle()
    text = written.coloured(640, 480)
    drawn(viewer)
    book.draw(Rect(0, 0, 640, 480), text)
    turn(book, viewer)
    assert viewer.picture.lossy_updates == 1
    assert shows_sketch(book, viewer, Rect(0, 0, 640, 160))
    before = viewer.picture.payload_bytes
    book.settle()
    assert book.exact(viewer)
    assert viewer.picture.payload_bytes - before > 20_000
    assert Codec.JPEG not in drawn(viewer)


@pytest.mark.usefixtures("slow")
def test_while_text_scrolls_on_a_slow_link_sketches_keep_up_with_it() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.draw(Rect(0, 0, 640, 480), written.coloured(640, 480))
    book.settle()
    exact = viewer.picture.lossy_updates
    for _ in range(10):
        book.scroll(Rect(0, 0, 640, 480), 0, -96)
        turn(book, viewer)
        assert shows_sketch(book, viewer, Rect(0, 384, 640, 96))
    assert viewer.picture.lossy_updates - exact >= 9
    book.settle()
    assert book.exact(viewer)


def shows_sketch(book: Playbook, viewer: FakeViewer, rect: Rect) -> bool:
    area = pixel_slices(rect)
    wanted = sketched(book.mirror.pixels[area])[:, :, 2::-1]
    return np.array_equal(viewer.picture.rgb[area], wanted)


def test_viewers_of_slow_and_of_fast_links_do_not_share_what_they_are_sent() -> None:
    book = Playbook(640, 480)
    slow, fast = book.attach(), book.attach()
    book.settle()
    book.core.pixels.slow_quality = 50
    book.core.viewers[slow.identity].pacer._quality = 44
    book.draw(Rect(0, 0, 640, 480), written.coloured(640, 480))
    turn(book, slow, fast)
    assert slow.picture.lossy_updates == 1
    assert fast.picture.lossy_updates == 0
    book.settle()
    assert book.exact(slow)
    assert book.exact(fast)


# ---------------------------------------------------------------- moves


def test_a_scroll_costs_its_new_lines() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.write(Rect(0, 0, 640, 480))
    book.settle()
    whole = viewer.picture.payload_bytes
    drawn(viewer)
    book.scroll(Rect(0, 0, 640, 480), 0, -12)
    turn(book, viewer)
    assert book.exact(viewer)
    assert drawn(viewer)[Codec.COPY] >= 1
    assert viewer.picture.payload_bytes - whole < whole / 10


def test_a_viewer_that_lags_scrolls_once_for_many_frames() -> None:
    book = Playbook(640, 480)
    quick, slow = book.attach(), book.attach()
    book.write(Rect(0, 0, 640, 480))
    book.settle()
    for _ in range(30):
        book.scroll(Rect(0, 0, 640, 480), 0, -12)
        turn(book, quick)
    assert len(book.core.viewers[slow.identity].sight.pending) <= 16
    drawn(slow)
    book.settle()
    assert book.exact(slow)
    assert book.exact(quick)


def test_lossy_pixels_that_move_are_refined_where_they_end() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.paint(Rect(0, 0, 640, 240), photo=True)
    for _ in range(20):
        turn(book, viewer)
    book.scroll(Rect(0, 0, 640, 480), 0, 48)
    turn(book, viewer)
    assert Codec.COPY in viewer.picture.codecs
    assert not book.exact(viewer)
    book.settle()
    assert book.exact(viewer)


# ---------------------------------------------------------------- kept tiles


def resting(book: Playbook, *viewers: FakeViewer) -> None:
    """So long that browsers keep all they can."""
    for _ in range(10):
        turn(book, *viewers)
        book.pass_time(KEEP_REST_S * 1.2)
        turn(book, *viewers)


def test_what_comes_back_is_drawn_from_the_browsers_cache() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.write(Rect(0, 0, 640, 480))
    resting(book, viewer)
    assert drawn(viewer)[Codec.KEEP] >= 1
    before = book.mirror.snapshot(book.mirror.rect)
    book.paint(Rect(32, 32, 560, 400), colour=9)
    turn(book, viewer)
    drawn(viewer)
    size = viewer.picture.payload_bytes
    book.draw(book.mirror.rect, before)
    assert not book.encoding
    turn(book, viewer)
    assert book.exact(viewer)
    assert set(drawn(viewer)) <= {Codec.CACHED, Codec.INDEXED, Codec.FILL}
    assert viewer.picture.payload_bytes - size < 3_000


def test_while_something_large_moves_what_rests_is_kept_beside_it() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.write(Rect(0, 0, 640, 240))
    for _ in range(20):
        book.write(Rect(0, 240, 640, 240))
        book.encode()
        for data in viewer.on_the_way:
            message = down_message(data)
            if isinstance(message, down.Update):
                assert any(piece.codec is not Codec.KEEP for piece in message.pieces)
        turn(book, viewer)
        book.pass_time(0.1)
    assert 2 <= drawn(viewer)[Codec.KEEP] <= 7


@pytest.mark.parametrize("parity", [0, 1])
def test_slots_may_be_taken_from_what_the_same_update_draws_from_the_cache(
    monkeypatch: pytest.MonkeyPatch, parity: int
) -> None:
    monkeypatch.setattr(keeper_module, "SLOTS", 64)
    monkeypatch.setattr(pixels_module, "LARGE_MOTION", 20)
    book = Playbook(640, 480)
    viewer = book.attach()
    known = Rect(0, 0, 256, 64)
    book.write(known)
    resting(book, viewer)
    assert drawn(viewer)[Codec.KEEP] >= 1
    content = book.mirror.snapshot(known)
    book.write(Rect(0, 64, 192, 64))  # wants most of the slots, once it has rested
    for step in range(8):
        book.settled(False)
        book.write(Rect(0, 240, 256, 32))  # moves on and on
        if step % 2 == parity:
            book.paint(known, colour=9)
        book.settled(True)
        if step % 2 == parity:
            book.display(Updated())
        else:
            book.draw(known, content)
        turn(book, viewer)
        book.pass_time(0.07)
    seen = drawn(viewer)
    assert seen[Codec.CACHED] >= 1
    assert seen[Codec.KEEP] >= 1
    book.settle()
    assert book.exact(viewer)


@pytest.mark.parametrize("turns", [1, 2])
def test_what_rests_is_kept_although_something_small_never_rests(turns: int) -> None:
    """With one turn a frame there is always something in flight."""
    book = Playbook(640, 480)
    viewer = book.attach()
    book.write(Rect(0, 0, 640, 400))
    turn(book, viewer)
    asked = 0
    for colour in range(60):
        book.paint(Rect(0, 448, 16, 16), colour=colour)
        for _ in range(turns):
            turn(book, viewer)
        asked += Codec.KEEP in drawn(viewer)
        book.pass_time(0.05)
    assert 4 <= asked <= 10, "of 1000 tiles, 256 each 0.3 s"
    below = book.mirror.snapshot(Rect(0, 0, 640, 400))
    book.paint(Rect(0, 0, 640, 400), colour=9)
    for _ in range(3):
        turn(book, viewer)
    drawn(viewer)
    book.draw(Rect(0, 0, 640, 400), below)
    turn(book, viewer)
    assert book.exact(viewer)
    assert set(drawn(viewer)) <= {Codec.CACHED, Codec.INDEXED, Codec.FILL}


def test_nothing_is_kept_while_an_answer_is_due() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.write(Rect(0, 0, 640, 400))
    for _ in range(4):
        turn(book, viewer)
    drawn(viewer)
    book.paint(Rect(0, 448, 16, 16), colour=7)
    book.pass_time(0.2)
    book.paint(Rect(0, 448, 16, 16), colour=8)
    book.pass_time(0.2)
    book.deliver(viewer)
    assert Codec.KEEP not in drawn(viewer)


def test_what_is_refined_comes_from_the_cache_and_encoded_in_one_update(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pixels_module, "MAX_RUNS", 1)
    book = Playbook(256, 256)
    viewer = book.attach()
    book.paint(Rect(0, 0, 256, 256), photo=True)
    resting(book, viewer)
    content = book.mirror.snapshot(book.mirror.rect)
    book.paint(Rect(0, 0, 256, 256), colour=9)
    turn(book, viewer)
    book.draw(book.mirror.rect, content)
    turn(book, viewer)
    assert not book.exact(viewer)
    drawn(viewer)
    sent = viewer.picture.last_update
    book.pass_time(REST_S * 1.1)
    turn(book, viewer)
    assert book.exact(viewer)
    assert viewer.picture.last_update == sent + 1
    assert drawn(viewer)[Codec.CACHED] == 1


def test_a_viewer_without_a_cache_is_not_asked_to_keep() -> None:
    book = Playbook(640, 480)
    viewer = book.attach(capabilities=Capability.PNG | Capability.JPEG)
    book.write(Rect(0, 0, 640, 480))
    resting(book, viewer)
    assert Codec.KEEP not in drawn(viewer)
    assert book.wake is None


def test_a_viewer_without_jpeg_gets_photographs_exact() -> None:
    book = Playbook(256, 256)
    viewer = book.attach(capabilities=Capability.PNG)
    book.paint(Rect(0, 0, 256, 256), photo=True)
    for _ in range(6):
        turn(book, viewer)
    assert book.exact(viewer)
    assert viewer.picture.lossy_updates == 0


def test_what_was_to_be_kept_by_a_lost_update_is_not_counted_on() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.write(Rect(0, 0, 640, 480))
    for _ in range(4):
        turn(book, viewer)
    book.pass_time(KEEP_REST_S * 1.2)  # the keep is on its way
    assert viewer.on_the_way
    before = book.mirror.snapshot(book.mirror.rect)
    book.cut(viewer)
    book.paint(Rect(0, 0, 640, 480), colour=9)
    book.resume(viewer)
    turn(book, viewer)
    book.draw(book.mirror.rect, before)
    book.settle()  # the model refuses to draw from a slot that was never filled
    assert book.exact(viewer)


# ---------------------------------------------------------------- many viewers


def test_equal_viewers_are_sent_the_same_bytes() -> None:
    book = Playbook(640, 480)
    viewers = [book.attach() for _ in range(5)]
    book.settle()
    book.write(Rect(0, 0, 640, 480))
    book.encode()
    messages = {viewer.on_the_way[-1][5:] for viewer in viewers}  # but for the number
    assert len(messages) == 1
    book.settle()
    assert all(book.exact(viewer) for viewer in viewers)


def test_an_idle_session_holds_on_to_no_pictures() -> None:
    book = Playbook(640, 480)
    viewers = [book.attach() for _ in range(2)]
    book.settle()
    book.paint(Rect(0, 0, 640, 480), photo=True)
    assert book.core.pixels._shared
    parcels = [book.core.viewers[viewer.identity].parcel for viewer in viewers]
    book.settle()
    assert not book.core.pixels._shared
    for parcel in parcels:
        assert parcel is not None
        assert parcel.packed
        assert not parcel._done, "the pieces are kept beside the bytes made of them"


def test_who_has_waited_longest_is_served_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodes_module, "MAX_AREA", 1)  # one encoder has its hands full
    monkeypatch.setattr(Pacer, "may_send", lambda _self, _now: True)
    book = Playbook(256, 256)
    first = book.attach()
    others = [book.attach(capabilities=Capability.PNG) for _ in range(2)]
    book.settle()
    before = [viewer.picture.last_update for viewer in (first, *others)]
    book.paint(Rect(0, 0, 256, 256), photo=True)
    for _ in range(12):
        book.now += 0.01
        book.paint(Rect(0, 0, 256, 256), photo=True)
        book.encode(1)
    for viewer in (first, *others):
        book.deliver(viewer)
    got = [v.picture.last_update - b for v, b in zip((first, *others), before, strict=True)]
    assert min(got) >= 3, f"somebody starves: {got}"


def holds(book: Playbook) -> list[bool]:
    """What the display was told since the last call."""
    told = [command.held for command in book.done if isinstance(command, Hold)]
    book.done.clear()
    return told


def test_one_picture_is_painted_while_another_is_encoded_and_no_third() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    for _ in range(5):  # a link that is known
        book.paint(Rect(0, 0, 16, 16))
        book.settle()
    holds(book)
    book.paint(Rect(0, 0, 640, 480), photo=True)
    assert book.encoding
    book.pass_time(ENCODING_LONG_S * 0.9)
    book.paint(Rect(0, 0, 640, 480), photo=True)
    assert holds(book) == []
    book.pass_time(ENCODING_LONG_S * 0.2)
    book.paint(Rect(0, 0, 640, 480), photo=True)
    assert holds(book) == [True]
    turn(book, viewer)
    assert holds(book)[-1] is False


def test_the_display_waits_while_the_encoders_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodes_module, "MAX_AREA", 1)
    book = Playbook(640, 480)
    viewer = book.attach()
    book.settle()
    holds(book)
    book.paint(Rect(0, 0, 640, 480), photo=True)
    assert holds(book) == []
    book.paint(Rect(0, 0, 16, 16))
    assert holds(book) == [True]
    turn(book, viewer)
    turn(book, viewer)
    assert holds(book)[-1] is False


def test_the_display_waits_while_nobody_can_be_sent_anything() -> None:
    book = Playbook(640, 480)
    viewer = book.attach()
    book.settle()
    book.done.clear()
    for _ in range(50):
        book.write(Rect(0, 0, 640, 480))
        book.encode()
        book.pass_time(0.05)
    holds = [command for command in book.done if isinstance(command, Hold)]
    assert holds[-1] == Hold(True)
    assert len(holds) <= 5
    book.deliver(viewer)
    book.answer(viewer)
    assert book.done[-1] == Hold(False)


def test_updates_of_coloured_text_come_to_keep_to_their_allowance() -> None:
    """Also through the feed: what pieces took is learned, and reckoned with."""
    book = Playbook(1920, 1088)
    viewer = book.attach()
    book.settle()
    over = []
    for number in range(4):
        allowance = book.core.viewers[viewer.identity].pacer.allowance(book.now)
        book.draw(Rect(0, 0, 1920, 1088), written.coloured(1920, 1088, seed=number))
        book.encode()
        over.append(len(viewer.on_the_way[0]) / allowance.size_bytes)
        book.settle()
    assert book.exact(viewer)
    assert max(over[1:]) <= 1.5, over
