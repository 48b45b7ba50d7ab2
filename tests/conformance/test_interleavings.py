"""Any interleaving once more: with the browser's own code as viewer, and with real encoders."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from support.node_viewer import NodeViewer
from unit.managed.harness import FakeViewer, Playbook
from unit.managed.test_interleavings import DEEP, AnyInterleaving
from webvdi.managed.encoders import Encoders
from webvdi.managed.messages import ViewerId
from webvdi.wire.from_viewer import Ack, FromViewer
from webvdi.wire.to_viewer import Update, decode_to_viewer

SETTINGS = settings(
    max_examples=200 if DEEP else 25,
    stateful_step_count=40 if DEEP else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Nodes:
    """Processes of node to be viewers, used again and again."""

    def __init__(self) -> None:
        self._all: list[NodeViewer] = []
        self._used = 0
        self._stack = ExitStack()

    def begin(self) -> None:
        """Whoever was a viewer is none any more."""
        self._used = 0

    def one(self) -> NodeViewer:
        """A fresh viewer, whose page is seen: what it has no time for waits for a frame."""
        if self._used == len(self._all):
            self._all.append(self._stack.enter_context(NodeViewer()))
        node = self._all[self._used]
        self._used += 1
        node.fresh()
        node.see(seen=True)
        return node

    @contextmanager
    def open(self) -> Iterator["Nodes"]:
        with self._stack:
            yield self


class RealViewer(FakeViewer):
    """The browser's code draws; what it has drawn is acknowledged."""

    node: NodeViewer

    def __init__(self, identity: ViewerId, node: NodeViewer) -> None:
        super().__init__(identity)
        self.node = node
        self.picture.take = self.take  # type: ignore[method-assign]

    def take(self, data: bytes) -> list[FromViewer]:
        """As the model's."""
        self.node.take(data)
        message = decode_to_viewer(data)
        if isinstance(message, Update):
            return [Ack(message.update)]
        self.picture.heard.append(message)
        return []

    def settle(self) -> None:
        """As :class:`FakeViewer`'s."""
        shown, self.picture.rgb = self.node.shown()
        assert shown.error is None, shown.error
        self.picture.last_update = shown.drawn
        self.lossy_share = shown.lossy_share

    def lose(self) -> None:
        """As :class:`FakeViewer`'s: what is being decoded is not drawn any more."""
        super().lose()
        shown = self.node.lose()
        assert shown.error is None, shown.error
        self.picture.last_update = shown.drawn


def test_the_browsers_own_code_ends_up_exact() -> None:
    with Nodes().open() as nodes:

        class WithRealViewers(AnyInterleaving):
            def playbook(
                self, width: int, height: int, inline_area: int | None, slow: bool
            ) -> Playbook:
                nodes.begin()
                return Playbook(
                    width,
                    height,
                    inline_area=inline_area,
                    slow=slow,
                    kind=lambda identity: RealViewer(identity, nodes.one()),
                )

            def quiet(self) -> None:
                super().quiet()
                for viewer in self.book.viewers.values():
                    assert isinstance(viewer, RealViewer)
                    assert viewer.lossy_share == 0, "the read-out says that it is not exact"

        run_state_machine_as_test(WithRealViewers, settings=SETTINGS)


def test_viewers_end_up_exact_with_encoders_at_work_meanwhile() -> None:
    with Encoders(()) as encoders:

        class WithRealEncoders(AnyInterleaving):
            def playbook(
                self, width: int, height: int, inline_area: int | None, slow: bool
            ) -> Playbook:
                return Playbook(
                    width, height, inline_area=inline_area, slow=slow, encoders=encoders
                )

        run_state_machine_as_test(WithRealEncoders, settings=SETTINGS)
