"""The shape of the guest's mouse pointer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cursor:
    """A pointer picture: ``width * height`` pixels of R, G, B, A (straight alpha), row by row.

    Width or height 0 means that the guest hides its pointer.
    """

    width: int
    height: int
    hot_x: int
    hot_y: int
    rgba: bytes

    def __post_init__(self) -> None:
        if len(self.rgba) != self.width * self.height * 4:
            raise ValueError(
                f"a {self.width}x{self.height} cursor has {self.width * self.height * 4} bytes, "
                f"not {len(self.rgba)}"
            )
