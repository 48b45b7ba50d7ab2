"""What a server says, a file a message, and the table that finds it by its number."""

from collections.abc import Callable, Mapping
from typing import Final

from webvdi.rfb.incoming.bell import parse_bell
from webvdi.rfb.incoming.colour_map import parse_colour_map
from webvdi.rfb.incoming.continuous_updates import parse_end_of_continuous_updates
from webvdi.rfb.incoming.cut_text import parse_cut_text
from webvdi.rfb.incoming.fence import parse_fence
from webvdi.rfb.incoming.update import parse_update
from webvdi.rfb.incoming.xvp import parse_xvp
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser

SERVER_MESSAGES: Final[Mapping[int, Callable[[Link], Parser[None]]]] = {
    0: parse_update,
    1: parse_colour_map,
    2: parse_bell,
    3: parse_cut_text,
    150: parse_end_of_continuous_updates,
    248: parse_fence,
    250: parse_xvp,
}
