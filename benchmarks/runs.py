"""The figures of a run."""

from dataclasses import dataclass

from benchmarks.samples import Summary


@dataclass(frozen=True, slots=True)
class Rest:
    """What became of the picture once nothing moved any more."""

    exact_s: float | None
    """From the last painting until every pixel was right and stayed so; None: it never was."""
    allowed_s: float
    """What the goal allows on this link: 0.5 s; on slower ones than the LAN, 4 round trips more and
    1.25 times what the bytes take that were missing."""
    missing_bytes: int
    """A small lossless file with all that was wrong when the last frame was first seen at rest."""
    wrong_pixels: int
    """3 s after rest."""
    largest_difference: int
    """3 s after rest; of any channel, 0 to 255."""


@dataclass(frozen=True, slots=True)
class Run:
    """One scene in one peer's page over one link."""

    peer: str
    scene: str
    link: str
    round: int
    seconds: float
    painted: int
    """Frames that the stage painted."""
    shown: int
    """Frames that were seen before it came to rest."""
    ages_ms: list[float]
    """Of each frame that was seen, from its painting to an animation frame that began with it."""
    looks: int
    torn: int
    """Looks that found no frame whole, but parts of several or of none."""
    received_bytes: int
    """WebSocket payload until rest."""
    received_in_all: int
    """And until the picture was exact, or had rested for 3 s."""
    gateway_cpu_s: float
    server_cpu_s: float
    browser_cpu_s: float
    rest: Rest
    load: float

    @property
    def fps(self) -> float:
        """Frames seen a second."""
        return self.shown / self.seconds

    @property
    def bytes_per_frame(self) -> float:
        """Received, a frame seen."""
        return self.received_bytes / max(1, self.shown)

    @property
    def mbit(self) -> float:
        """Received, Mbit a second."""
        return self.received_bytes * 8 / 1e6 / self.seconds

    def cpu_ms(self, seconds: float) -> float:
        """Of processor time, what it comes to a frame seen."""
        return 1000 * seconds / max(1, self.shown)

    @property
    def server_side_ms(self) -> float:
        """Gateway and RFB server, a frame seen."""
        return self.cpu_ms(self.gateway_cpu_s + self.server_cpu_s)

    @property
    def ages(self) -> Summary | None:
        """None where no frame was seen."""
        return Summary.of(self.ages_ms) if self.ages_ms else None

    def __str__(self) -> str:
        ages, rest = self.ages, self.rest
        old = f"{ages.p50:.0f}/{ages.p95:.0f} ms" if ages else "-"
        exact = "never" if rest.exact_s is None else f"{rest.exact_s:.2f} s"
        return (
            f"{self.scene}, {self.link}, {self.peer}: {self.fps:.1f} fps "
            f"of {self.painted / self.seconds:.0f}, age {old}, "
            f"{self.bytes_per_frame / 1000:.1f} kB a frame, {self.mbit:.1f} Mbit/s, exact {exact} "
            f"(allowed {rest.allowed_s:.2f}), torn {self.torn}/{self.looks}, load {self.load:.1f}"
        )
