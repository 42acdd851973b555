"""The sample scene: somebody walks through a summer meadow.

Everything is drawn here, so no video has to be shipped. Layers that only scroll are drawn once; the walker, the birds
and the grass in front are drawn anew for each frame. Shapes are drawn larger and scaled down, which smooths them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from klingstudio.media.walker import GROUND_SPEED_PX, Walker

WIDTH_PX, HEIGHT_PX = 1280, 720
FPS = 25
FRAMES = 125

Colour = tuple[int, int, int]

_FINE = 2
_HORIZON_PX = 470
_FEET_PX = 636
_SUN_PX = (930, 205)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A strip, wider than the frame, that slides to the left."""

    strips: tuple[Image.Image, ...]
    """The strip, and the same strip moved on by an equal part of a pixel: slow layers glide instead of hopping."""
    top_px: int
    speed_px: float
    """Per frame."""

    def paint(self, canvas: Image.Image, n: int) -> None:
        """Lay the part that frame `n` shows over the picture."""
        whole, rest = divmod(n * self.speed_px, 1)
        strip = self.strips[int(rest * len(self.strips))]
        part = strip.crop((int(whole), 0, int(whole) + WIDTH_PX, strip.height))
        canvas.paste(part, (0, self.top_px), part)


class Scene:
    """All frames of the sample scene."""

    def __init__(self) -> None:
        self._sky = _sky()
        self._behind = (
            _clouds(),
            _hills(
                (330, 424),
                rise_px=62,
                length_px=430,
                seed=3,
                speed_px=0.5,
                above=(164, 184, 214),
                below=(190, 204, 220),
            ),
            _hills(
                (372, 456), rise_px=46, length_px=310, seed=11, speed_px=1, above=(126, 168, 166), below=(160, 192, 176)
            ),
            _hills(
                (414, 486),
                rise_px=34,
                length_px=250,
                seed=23,
                speed_px=2,
                above=(112, 160, 116),
                below=(140, 180, 122),
                trees=26,
            ),
            _meadow(),
        )
        self._grove = _grove()
        self._walker = Walker()

    def frame(self, n: int) -> Image.Image:
        """Frame `n`, counted from 0, as RGB."""
        canvas = self._sky.copy()
        for layer in self._behind[:1]:
            layer.paint(canvas, n)
        _birds(canvas, n)
        for layer in self._behind[1:]:
            layer.paint(canvas, n)
        self._grove.paint(canvas, n)
        self._walker.paint(canvas, n, (int(505 + n * 0.9), _FEET_PX))
        _near_grass(canvas, n)
        return canvas


# -- scattered, but the same each time -------------------------------------------------------------------------------


def scattered(seed: int) -> Iterator[float]:
    """An endless row of numbers from 0 to 1 without a pattern; each seed always gives the same row."""
    state = seed * 2_654_435_761 % 2**32
    while True:
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        yield (state >> 8) / 2**24


def mixed(a: Colour, b: Colour, part: float) -> Colour:
    """The colour `part` of the way from `a` to `b`."""
    first, second, third = (round(x + (y - x) * part) for x, y in zip(a, b, strict=True))
    return first, second, third


# -- what only scrolls -----------------------------------------------------------------------------------------------


def _gradient(size: tuple[int, int], stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        at = y / max(1, size[1] - 1)
        before = max((stop for stop in stops if stop[0] <= at), key=lambda stop: stop[0])
        after = min((stop for stop in stops if stop[0] >= at), key=lambda stop: stop[0])
        span = after[0] - before[0]
        column.putpixel((0, y), mixed(before[1], after[1], (at - before[0]) / span if span else 0.0))
    return column.resize(size)


def _sky() -> Image.Image:
    sky = _gradient(
        (WIDTH_PX, HEIGHT_PX),
        (
            (0.0, (104, 168, 216)),
            (0.3, (158, 204, 230)),
            (0.52, (236, 226, 208)),
            (0.64, (254, 222, 184)),
            (1.0, (254, 222, 184)),
        ),
    )
    x, y = _SUN_PX
    for radius, strength, colour in (
        (330, 70, (255, 236, 200)),
        (150, 110, (255, 242, 212)),
        (52, 255, (255, 250, 232)),
    ):
        glow = Image.new("L", (WIDTH_PX // 4, HEIGHT_PX // 4), 0)
        box = [(x - radius) / 4, (y - radius) / 4, (x + radius) / 4, (y + radius) / 4]
        if radius < 100:
            glow = Image.new("L", (WIDTH_PX * _FINE, HEIGHT_PX * _FINE), 0)
            box = [side * 4 * _FINE for side in box]
        ImageDraw.Draw(glow).ellipse(box, fill=strength)
        if radius >= 100:
            glow = glow.filter(ImageFilter.GaussianBlur(radius / 10))
        mask = glow.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BICUBIC)
        sky.paste(Image.new("RGB", sky.size, colour), (0, 0), mask)
    return sky


def _strip_width(speed_px: float) -> int:
    return WIDTH_PX + math.ceil(speed_px * FRAMES) + 2


def _finished(large: Image.Image, top_px: int, speed_px: float) -> _Layer:
    size = large.width // _FINE, large.height // _FINE
    if speed_px % 1 == 0:
        return _Layer((large.resize(size, Image.Resampling.BOX),), top_px, speed_px)
    # Half a pixel of the strip is a whole one of the large drawing.
    moved = Image.new("RGBA", large.size)
    moved.paste(large, (-1, 0))
    return _Layer(tuple(drawn.resize(size, Image.Resampling.BOX) for drawn in (large, moved)), top_px, speed_px)


def _clouds() -> _Layer:
    speed_px = 0.5
    width, height = _strip_width(speed_px), 300
    large = Image.new("RGBA", (width * _FINE, height * _FINE), (255, 255, 255, 0))
    for x, y, scale in ((150, 150, 1.0), (520, 84, 0.62), (700, 214, 0.5), (1120, 110, 0.9), (1330, 236, 0.55)):
        large.alpha_composite(_cloud(scale * _FINE), (int((x - 150 * scale) * _FINE), int((y - 70 * scale) * _FINE)))
    return _finished(large, 10, speed_px)


def _cloud(scale: float) -> Image.Image:
    size = int(330 * scale), int(140 * scale)
    shape = Image.new("L", size, 0)
    pen = ImageDraw.Draw(shape)
    for x, y, radius in ((70, 92, 30), (112, 70, 42), (160, 56, 50), (212, 72, 40), (252, 94, 28)):
        pen.ellipse([(x - radius) * scale, (y - radius) * scale, (x + radius) * scale, (y + radius) * scale], fill=235)
    pen.rounded_rectangle([40 * scale, 88 * scale, 280 * scale, 122 * scale], radius=17 * scale, fill=235)
    shape = shape.filter(ImageFilter.GaussianBlur(3 * scale))
    body = _gradient(size, ((0.0, (255, 255, 252)), (0.5, (255, 251, 244)), (1.0, (232, 222, 222)))).convert("RGBA")
    body.putalpha(shape)
    return body


def _hills(
    span_px: tuple[int, int],
    *,
    rise_px: int,
    length_px: int,
    seed: int,
    speed_px: float,
    above: Colour,
    below: Colour,
    trees: int = 0,
) -> _Layer:
    chance = scattered(seed)
    phases = [next(chance) * math.tau for _ in range(3)]

    def edge(x: float) -> float:
        waves = ((1.0, 0.55), (2.3, 0.3), (4.1, 0.15))
        return rise_px * sum(
            height * (1 + math.sin(math.tau * x / length_px / 2 * pitch + phase)) / 2
            for (pitch, height), phase in zip(waves, phases, strict=True)
        )

    crown_px = 46 if trees else 2
    top_px, bottom_px = span_px
    # What the next layer covers is not drawn.
    width, height = _strip_width(speed_px), bottom_px - top_px + crown_px
    mask = Image.new("L", (width * _FINE, height * _FINE), 0)
    line = [(x, (crown_px + edge(x / _FINE)) * _FINE) for x in range(0, width * _FINE + 8, 8)]
    ImageDraw.Draw(mask).polygon([*line, (width * _FINE, height * _FINE), (0, height * _FINE)], fill=255)
    large = _gradient((width * _FINE, height * _FINE), ((0.0, above), (0.75, below), (1.0, below))).convert("RGBA")
    large.putalpha(mask)
    pen = ImageDraw.Draw(large)
    for _ in range(trees):
        x = next(chance) * width
        size = 9 + next(chance) * 13
        dark = mixed((70, 122, 92), (96, 142, 96), next(chance))
        _far_tree(pen, x * _FINE, (crown_px + edge(x) + 4) * _FINE, size * _FINE, dark)
    return _finished(large, top_px - crown_px, speed_px)


def _far_tree(pen: ImageDraw.ImageDraw, x: float, foot: float, size: float, colour: Colour) -> None:
    pen.polygon([(x - size * 0.62, foot), (x, foot - size * 2.3), (x + size * 0.62, foot)], fill=colour)
    pen.polygon(
        [(x, foot - size * 2.3), (x + size * 0.62, foot), (x + size * 0.08, foot)],
        fill=mixed(colour, (190, 206, 130), 0.25),
    )


def _meadow() -> _Layer:
    """The ground the walker's feet stand on; it moves exactly as fast as they do."""
    width, height = _strip_width(GROUND_SPEED_PX), HEIGHT_PX - _HORIZON_PX
    size = width * _FINE, height * _FINE
    large = _gradient(
        size,
        ((0.0, (168, 200, 120)), (0.25, (136, 184, 96)), (0.6, (112, 168, 82)), (1.0, (84, 142, 70))),
    ).convert("RGBA")
    chance = scattered(41)
    pen = ImageDraw.Draw(large)
    _path(pen, width)
    for _ in range(5200):
        x, depth = next(chance) * width, next(chance)
        y = 8 + depth**1.3 * (height - 8)
        if abs(y - (_FEET_PX - _HORIZON_PX)) < 21:
            continue
        long = (4 + 13 * depth) * (0.7 + 0.6 * next(chance))
        lean = (next(chance) - 0.4) * long * 0.7
        shade = mixed((150, 194, 100), (72, 130, 62), next(chance) * (0.45 + 0.55 * depth))
        pen.line(
            [(x * _FINE, y * _FINE), ((x + lean) * _FINE, (y - long) * _FINE)],
            fill=shade,
            width=max(2, round((1 + 1.2 * depth) * _FINE)),
        )
    for _ in range(210):
        x, depth = next(chance) * width, next(chance)
        y = 22 + depth * (height - 30)
        if abs(y - (_FEET_PX - _HORIZON_PX)) < 24:
            continue
        _flower(
            pen, x, y, 1.6 + 2.6 * depth, ((250, 246, 236), (250, 214, 110), (236, 138, 128))[int(next(chance) * 3)]
        )
    edge = Image.new("L", size, 255)
    line = [
        (x, (5 + 4 * math.sin(x / _FINE / 61) + 2 * math.sin(x / _FINE / 17)) * _FINE) for x in range(0, size[0] + 8, 8)
    ]
    ImageDraw.Draw(edge).polygon([(0, 0), *line, (size[0], 0)], fill=0)
    large.putalpha(edge)
    return _finished(large, _HORIZON_PX, GROUND_SPEED_PX)


def _path(pen: ImageDraw.ImageDraw, width: int) -> None:
    middle = _FEET_PX - _HORIZON_PX
    chance = scattered(77)
    for inset, colour in ((0, (150, 158, 92)), (4, (214, 188, 140)), (9, (226, 203, 158))):
        above = [
            (x, (middle - 22 + inset + 3 * math.sin(x / 53) + 1.5 * math.sin(x / 19)) * _FINE)
            for x in range(0, width * _FINE, 8)
        ]
        below = [(x, (middle + 24 - inset + 3 * math.sin(x / 71 + 2)) * _FINE) for x in range(0, width * _FINE, 8)]
        pen.polygon([*above, *reversed(below)], fill=colour)
    for _ in range(340):
        x, y = next(chance) * width, middle - 9 + next(chance) * 24
        radius = 0.8 + next(chance) * 1.9
        colour = mixed((196, 170, 124), (238, 220, 182), next(chance))
        pen.ellipse(
            [(x - radius * 1.6) * _FINE, (y - radius) * _FINE, (x + radius * 1.6) * _FINE, (y + radius) * _FINE],
            fill=colour,
        )


def _flower(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    pen.line([(x * _FINE, y * _FINE), (x * _FINE, (y + radius * 4) * _FINE)], fill=(86, 140, 70), width=_FINE)
    for turn in range(5):
        angle = math.tau * turn / 5
        px, py = x + math.cos(angle) * radius, y + math.sin(angle) * radius * 0.8
        size = radius * 0.72
        pen.ellipse([(px - size) * _FINE, (py - size) * _FINE, (px + size) * _FINE, (py + size) * _FINE], fill=colour)
    size = radius * 0.55
    pen.ellipse([(x - size) * _FINE, (y - size) * _FINE, (x + size) * _FINE, (y + size) * _FINE], fill=(228, 172, 66))


def _grove() -> _Layer:
    """A few large trees behind the path."""
    speed_px = 5
    width, height = _strip_width(speed_px), 400
    large = Image.new("RGBA", (width * _FINE, height * _FINE), (120, 160, 96, 0))
    pen = ImageDraw.Draw(large)
    for x, size, seed in ((150, 0.86, 5), (330, 0.6, 6), (1010, 1.0, 8), (1460, 0.7, 9), (1640, 0.92, 12)):
        _tree(pen, x, 382 - (1 - size) * 36, size, seed)
    return _finished(large, 180, speed_px)


def _tree(pen: ImageDraw.ImageDraw, x: float, foot: float, size: float, seed: int) -> None:
    chance = scattered(seed)

    def at(dx: float, dy: float) -> tuple[float, float]:
        return (x + dx * size) * _FINE, (foot + dy * size) * _FINE

    def disc(dx: float, dy: float, radius: float, colour: Colour) -> None:
        pen.ellipse([*at(dx - radius, dy - radius), *at(dx + radius, dy + radius)], fill=colour)

    pen.ellipse([*at(-74, -7), *at(96, 9)], fill=(92, 146, 70))
    pen.polygon([at(-13, 0), at(-8, -70), at(-5, -170), at(5, -170), at(9, -70), at(15, 0)], fill=(116, 86, 66))
    pen.polygon([at(3, 0), at(3, -170), at(5, -170), at(9, -70), at(15, 0)], fill=(142, 106, 78))
    pen.line([at(-2, -105), at(-40, -160)], fill=(116, 86, 66), width=round(8 * size * _FINE))
    pen.line([at(2, -115), at(42, -170)], fill=(130, 96, 72), width=round(8 * size * _FINE))
    blobs = [(-58, -170, 44), (58, -172, 44), (-30, -220, 52), (34, -224, 50), (0, -178, 52), (2, -262, 42)]
    for dx, dy, radius in blobs:
        disc(dx - 4, dy + 8, radius, (62, 116, 72))
    for dx, dy, radius in blobs:
        disc(dx + 3, dy - 3, radius * 0.92, (88, 146, 82))
    for dx, dy, radius in blobs:
        disc(dx + radius * 0.2, dy - radius * 0.24, radius * 0.62, (116, 170, 92))
    for _ in range(90):
        angle, reach = next(chance) * math.tau, next(chance) ** 0.5
        dx, dy = math.cos(angle) * reach * 86, -206 + math.sin(angle) * reach * 78
        light = (dx - dy - 206) / 200
        disc(dx, dy, 4 + 5 * next(chance), mixed((78, 134, 78), (150, 194, 106), min(1.0, max(0.0, 0.4 + light * 0.5))))


# -- what moves by itself --------------------------------------------------------------------------------------------


def _birds(canvas: Image.Image, n: int) -> None:
    fine = 3
    for index, (x, y, size) in enumerate(
        ((250, 150, 15), (296, 128, 12), (214, 122, 11), (338, 164, 10), (176, 148, 9))
    ):
        flap = math.sin(math.tau * (n / (15 + index) + index * 0.37))
        bird_x, bird_y = x + n * 2.1 + 4 * math.sin(n / 17 + index), y - n * 0.22 + 3 * math.sin(n / 11 + index * 2)
        side = size * 3
        tile = Image.new("L", (side * fine, side * fine), 0)
        pen = ImageDraw.Draw(tile)
        centre = side * fine / 2
        tip = size * fine * (0.55 * flap)
        reach = size * fine * (1.25 - 0.2 * abs(flap))
        for way in (-1, 1):
            elbow = (centre + way * reach * 0.45, centre - tip * 0.9 - 2 * fine)
            pen.line(
                [(centre, centre), elbow, (centre + way * reach, centre - tip * 0.45)],
                fill=255,
                width=round(size * 0.17 * fine),
                joint="curve",
            )
        pen.ellipse(
            [
                centre - size * 0.3 * fine,
                centre - size * 0.11 * fine,
                centre + size * 0.42 * fine,
                centre + size * 0.15 * fine,
            ],
            fill=255,
        )
        whole_x, whole_y = math.floor(bird_x), math.floor(bird_y)
        canvas.paste(
            (74, 86, 110), (whole_x - side // 2, whole_y - side // 2), tile.resize((side, side), Image.Resampling.BOX)
        )


def _near_grass(canvas: Image.Image, n: int) -> None:
    """Blades in front of everything, faster than the ground and moved by the wind."""
    height = 92
    tile = Image.new("RGBA", (WIDTH_PX * _FINE, height * _FINE), (58, 112, 58, 0))
    pen = ImageDraw.Draw(tile)
    chance = scattered(97)
    for _ in range(430):
        place, long, lean, shade = next(chance), next(chance), next(chance), next(chance)
        x = place * 3000 - n * 12
        if not -40 < x < WIDTH_PX + 40:
            continue
        long = 26 + 50 * long**2
        wind = math.sin(n / 9 + x / 140) * 5 + (lean - 0.5) * 22
        base = 2.2 + 2.2 * shade
        foot = height + 4
        pen.polygon(
            [
                ((x - base) * _FINE, foot * _FINE),
                ((x + wind * 0.35 - base * 0.6) * _FINE, (foot - long * 0.55) * _FINE),
                ((x + wind) * _FINE, (foot - long) * _FINE),
                ((x + wind * 0.35 + base * 0.6) * _FINE, (foot - long * 0.55) * _FINE),
                ((x + base) * _FINE, foot * _FINE),
            ],
            fill=mixed((52, 106, 56), (96, 154, 72), shade),
        )
    blades = tile.reduce(_FINE)
    canvas.paste(blades, (0, HEIGHT_PX - height), blades)
