"""The clips that the player is measured with: a moving test picture with noise, few key frames, its number in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.filter.context import FilterContext
from av.video.frame import PictureType

FPS = 30
GOP = 250
SECONDS = 10

SETTLED = 30
"""From this frame on a clip is being played: it has been opened, and the decoder's threads are all at work."""

BITS = 9
"""Enough for every frame of a clip."""
CELLS_TOP, CELLS_HEIGHT = 0.60, 0.06
CELLS_WIDTH = 0.30
"""The number stands twice in a picture, at the left edge and at the right one: a wiped picture shows one of each clip.
All as shares of the picture, one cell for each binary digit, the lowest digit first."""

_SPEED = "veryfast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a clip looks like."""

    width_px: int
    height_px: int
    bit_rate: int
    ink: str
    """Colour of the binary digits that are 1: it tells the clips apart."""
    look: str = "null"
    """What else is done to the picture, as filters."""
    seconds: int = SECONDS


BEFORE = Made(width_px=1920, height_px=1080, bit_rate=12_000_000, ink="red")
AFTER = Made(
    width_px=1920,
    height_px=1080,
    bit_rate=12_000_000,
    ink="blue",
    look="hue=h=30,drawbox=x=iw/4:y=ih/8:w=iw/6:h=ih/4:color=orange:t=fill",
)
LARGE = Made(width_px=3840, height_px=2160, bit_rate=40_000_000, ink="red", seconds=6)


def make(path: Path, made: Made) -> Path:
    """Write the clip, without sound: no player shall be busy with what the others leave out."""
    graph = av.filter.Graph()
    source = graph.add("testsrc2", f"size={made.width_px}x{made.height_px}:rate={FPS}:duration={made.seconds}")
    sink = graph.add("buffersink")
    _chain(graph, source, f"noise=alls=12:allf=t,{made.look},{_digits(made.ink)},format=yuv420p", sink)
    graph.configure()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = made.width_px, made.height_px, "yuv420p"
        stream.bit_rate = made.bit_rate
        stream.time_base = Fraction(1, FPS)
        # Threads by frame: threads by slice would cut every frame into pieces, which no camera does.
        stream.codec_context.thread_type = "FRAME"
        # Evenly spread, as a camera does; else the first second takes a third of all bytes.
        rate = str(made.bit_rate)
        stream.options = {"preset": _SPEED, "g": str(GOP), "sc_threshold": "0", "maxrate": rate, "bufsize": rate}
        while True:
            try:
                frame = graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                break
            # The test picture calls each of its frames a key frame; the encoder is to choose.
            frame.pict_type = PictureType.NONE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _chain(graph: av.filter.Graph, first: FilterContext, filters: str, last: FilterContext) -> None:
    before = first
    for text in filters.split(","):
        name, _, options = text.partition("=")
        following = graph.add(name, options.replace(";", ","))
        before.link_to(following)
        before = following
    before.link_to(last)


def _digits(ink: str) -> str:
    """Boxes that come and go with the frame's number."""
    top, height, cell = f"ih*{CELLS_TOP}", f"ih*{CELLS_HEIGHT}", f"iw*{CELLS_WIDTH / BITS}"
    boxes = []
    for left in ("0", f"iw*{1 - CELLS_WIDTH}"):
        boxes.append(f"drawbox=x={left}:y={top}:w=iw*{CELLS_WIDTH}:h={height}:color=black:t=fill")
        boxes += [
            f"drawbox=x={left}+{digit}*{cell}:y={top}:w={cell}:h={height}:color={ink}:t=fill:enable=mod(floor(n/{2**digit});2)"
            for digit in range(BITS)
        ]
    return ",".join(boxes)
