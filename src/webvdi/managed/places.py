"""Who may look at a session at the same time: a bounded number, and no link all of it."""

from collections import Counter
from collections.abc import Sequence

from webvdi.base.errors import WebvdiError
from webvdi.managed.viewer import Viewer
from webvdi.wire.to_viewer import Role

MAX_VIEWERS = 64
"""Viewers of one session; each costs a tile map and a socket."""

MAX_VIEWERS_BY_SHARE = 32
"""Of those, by one share link, whoever came by it: no link fills a session by itself."""


class NoPlace(WebvdiError):
    """As many look as may."""


def gives_way(newcomer: Viewer, others: Sequence[Viewer]) -> Viewer | None:
    """Which of *others*, who are connected, must go so that *newcomer* has a place; None: nobody.

    Strangers cannot keep an owner out: where all places are taken, the visitor who came last by
    the link with the most of them gives way.  Raises :class:`NoPlace`.
    """
    visitors = [v for v in others if v.role is not Role.OWNER]
    shares = Counter(v.admission.share for v in visitors)
    share = newcomer.admission.share
    if share and shares[share] >= MAX_VIEWERS_BY_SHARE:
        raise NoPlace(f"{MAX_VIEWERS_BY_SHARE} viewers by this link look at this machine already")
    if len(others) < MAX_VIEWERS:
        return None
    if newcomer.role is not Role.OWNER or not visitors:
        raise NoPlace(f"{MAX_VIEWERS} viewers look at this machine already")
    ((crowd, _),) = shares.most_common(1)
    return max((v for v in visitors if v.admission.share == crowd), key=lambda v: v.id)
