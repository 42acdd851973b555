"""The person of the sample scene: a walk that keeps its feet where they stand."""

from __future__ import annotations

import math
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFilter

GROUND_SPEED_PX = 8
"""The ground slides by this much per frame, and so does a foot that stands on it."""
CYCLE_FRAMES = 28
"""Two steps."""

Point = tuple[float, float]
Colour = tuple[int, int, int]

_FINE = 3
_TILE_PX = (380, 430)
_ORIGIN_PX = (190, 405)
"""The spot of the tile that is put on the ground below the hip."""

_THIGH_PX, _SHIN_PX, _ANKLE_PX = 79, 76, 13
_STANDING = 0.6
"""Part of the cycle in which a foot is on the ground."""
_STEP_PX = GROUND_SPEED_PX * CYCLE_FRAMES * _STANDING

_SKIN, _SKIN_SHADE = (238, 186, 150), (220, 160, 126)
_HAIR = (84, 54, 46)
_COAT, _COAT_SHADE, _COAT_FAR = (222, 108, 84), (198, 88, 72), (176, 78, 68)
_SLEEVE, _SLEEVE_EDGE = (234, 126, 98), (196, 88, 70)
_TROUSERS, _TROUSERS_FAR = (62, 78, 112), (48, 60, 90)
_SHOE, _SHOE_FAR, _SOLE = (122, 78, 58), (98, 62, 50), (236, 226, 210)
_SCARF, _SCARF_SHADE = (248, 206, 112), (228, 178, 84)
_BAG, _BAG_SHADE = (96, 132, 128), (76, 108, 108)


class Walker:
    """Draws the walker of any frame."""

    def __init__(self) -> None:
        shadow = Image.new("L", (260, 44), 0)
        ImageDraw.Draw(shadow).ellipse([40, 12, 220, 32], fill=110)
        self._shadow = shadow.filter(ImageFilter.GaussianBlur(6))

    def paint(self, canvas: Image.Image, n: int, feet: tuple[int, int]) -> None:
        """Put the walker of frame `n` on the picture, standing at `feet`."""
        x, y = feet
        canvas.paste((70, 84, 52), (x - 120, y - 20), self._shadow)
        tile = Image.new("RGBA", (_TILE_PX[0] * _FINE, _TILE_PX[1] * _FINE), (*_COAT, 0))
        _draw(_Pen(tile), n)
        small = tile.reduce(_FINE)
        canvas.paste(small, (x - _ORIGIN_PX[0], y - _ORIGIN_PX[1]), small)


class _Pen:
    """Draws in pixels of the scene, measured from the ground below the hip, upwards negative."""

    def __init__(self, tile: Image.Image) -> None:
        self._pen = ImageDraw.Draw(tile)

    def _at(self, point: Point) -> Point:
        return (point[0] + _ORIGIN_PX[0]) * _FINE, (point[1] + _ORIGIN_PX[1]) * _FINE

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        x, y = self._at(centre)
        self._pen.ellipse([x - radius * _FINE, y - radius * _FINE, x + radius * _FINE, y + radius * _FINE], fill=colour)

    def limb(self, points: list[Point], widths: list[float], colour: Colour) -> None:
        """A tapering limb through the points, with round joints."""
        for (a, b), (wide, narrow) in zip(pairwise(points), pairwise(widths), strict=True):
            length = math.dist(a, b) or 1.0
            across = (-(b[1] - a[1]) / length, (b[0] - a[0]) / length)
            self.shape(
                [
                    (a[0] + across[0] * wide, a[1] + across[1] * wide),
                    (b[0] + across[0] * narrow, b[1] + across[1] * narrow),
                    (b[0] - across[0] * narrow, b[1] - across[1] * narrow),
                    (a[0] - across[0] * wide, a[1] - across[1] * wide),
                ],
                colour,
            )
        for point, radius in zip(points, widths, strict=True):
            self.disc(point, radius, colour)

    def shape(self, points: list[Point], colour: Colour) -> None:
        self._pen.polygon([self._at(point) for point in points], fill=colour)

    def smooth(self, points: list[Point], colour: Colour) -> None:
        """A closed shape that bends through the middles of its sides."""
        curve: list[Point] = []
        for index, corner in enumerate(points):
            before, after = points[index - 1], points[(index + 1) % len(points)]
            start = (before[0] + corner[0]) / 2, (before[1] + corner[1]) / 2
            end = (corner[0] + after[0]) / 2, (corner[1] + after[1]) / 2
            for step in range(10):
                t = step / 10
                curve.append(
                    (
                        (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * corner[0] + t * t * end[0],
                        (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * corner[1] + t * t * end[1],
                    )
                )
        self.shape(curve, colour)


def _draw(pen: _Pen, n: int) -> None:
    phase = n / CYCLE_FRAMES % 1
    # The hip is highest over a standing foot and lowest between two steps.
    hip = (0.0, -151.0 - 3.5 * math.cos(math.tau * 2 * (phase - 0.3)))
    # An arm swings against the leg on its own side.
    sway = math.cos(math.tau * (phase - 0.04))
    lean = math.radians(4 + 1.2 * math.cos(math.tau * 2 * phase))
    neck = _from(hip, 112, -math.pi / 2 + lean)
    shoulder = _from(hip, 98, -math.pi / 2 + lean)

    _arm(pen, shoulder, -sway, (_COAT_FAR, _COAT_FAR), _SKIN_SHADE)
    _leg(pen, hip, (phase + 0.5) % 1, _TROUSERS_FAR, _SHOE_FAR)
    _bag(pen, hip, lean)
    _leg(pen, hip, phase, _TROUSERS, _SHOE)
    _scarf_tail(pen, neck, n)
    _torso(pen, hip, lean, sway)
    _head(pen, neck, lean, n)
    _arm(pen, shoulder, sway, (_SLEEVE, _SLEEVE_EDGE), _SKIN)


def _from(start: Point, length: float, angle: float) -> Point:
    return start[0] + length * math.cos(angle), start[1] + length * math.sin(angle)


def foot(phase: float) -> tuple[Point, float]:
    """Where the ankle is and how the foot is turned (radians, toes down is positive)."""
    if phase < _STANDING:
        part = phase / _STANDING
        x = _STEP_PX * (0.5 - part)
        heel_off = max(0.0, (part - 0.62) / 0.38)
        strike = max(0.0, 1 - part / 0.16)
        turn = math.radians(44) * heel_off**1.6 - math.radians(20) * strike
        return (x + 9 * heel_off**1.6, -_ANKLE_PX - 20 * heel_off**1.6 - 1.5 * strike), turn
    part = (phase - _STANDING) / (1 - _STANDING)
    glide = part * part * (3 - 2 * part)
    x = -_STEP_PX / 2 + 9 + (_STEP_PX - 9) * glide
    lift = 20 * (1 - part) ** 2 + 25 * math.sin(math.pi * part) * (1 - 0.35 * part) + 1.5 * part
    turn = math.radians(44) * (1 - part) ** 1.5 - math.radians(20) * part**2
    return (x, -_ANKLE_PX - lift), turn


def _leg(pen: _Pen, hip: Point, phase: float, colour: Colour, shoe: Colour) -> None:
    ankle, turn = foot(phase)
    reach = min(math.dist(hip, ankle), _THIGH_PX + _SHIN_PX - 0.5)
    way = math.atan2(ankle[1] - hip[1], ankle[0] - hip[0])
    bend = math.acos((_THIGH_PX**2 + reach**2 - _SHIN_PX**2) / (2 * _THIGH_PX * reach))
    knee = _from(hip, _THIGH_PX, way - bend)
    pen.limb([hip, knee, ankle], [19, 14, 10.5], colour)
    _shoe(pen, ankle, turn, shoe)


def _shoe(pen: _Pen, ankle: Point, turn: float, colour: Colour) -> None:
    cos, sin = math.cos(turn), math.sin(turn)

    def at(x: float, y: float) -> Point:
        return ankle[0] + x * cos - y * sin, ankle[1] + x * sin + y * cos

    pen.smooth([at(-14, -9), at(10, -11), at(17, -1), at(37, 3), at(36, 13), at(-15, 13), at(-18, 2)], colour)
    pen.limb([at(-11, 11.5), at(30, 11.5)], [2.4, 2.2], _SOLE)


def _arm(pen: _Pen, shoulder: Point, swing: float, sleeve: tuple[Colour, Colour], skin: Colour) -> None:
    upper = math.pi / 2 + math.radians(4) - math.radians(27) * -swing
    elbow = _from(shoulder, 52, upper)
    lower = upper - math.radians(26 - 16 * swing)
    wrist = _from(elbow, 46, lower)
    pen.disc(_from(wrist, 7, lower), 9, skin)
    colour, edge = sleeve
    pen.limb([shoulder, elbow, wrist], [14.5, 12.5, 11], edge)
    pen.limb([shoulder, (elbow[0] + 1.5, elbow[1]), wrist], [13, 10.5, 9], colour)


def _bag(pen: _Pen, hip: Point, lean: float) -> None:
    def at(x: float, y: float) -> Point:
        return hip[0] + x - y * math.tan(lean), hip[1] + y

    pen.smooth([at(-18, -98), at(-44, -100), at(-58, -70), at(-58, -22), at(-40, -8), at(-14, -12)], _BAG)
    pen.smooth([at(-40, -52), at(-60, -50), at(-64, -26), at(-54, -14), at(-38, -18)], _BAG_SHADE)


def _torso(pen: _Pen, hip: Point, lean: float, sway: float) -> None:
    def at(x: float, y: float) -> Point:
        return hip[0] + x - y * math.tan(lean), hip[1] + y

    flare = 4 * sway
    pen.smooth(
        [
            at(-8, -118),
            at(16, -112),
            at(31, -84),
            at(28, -30),
            at(31 + flare, 28),
            at(0, 34),
            at(-29 + flare, 28),
            at(-24, -30),
            at(-27, -90),
        ],
        _COAT,
    )
    pen.smooth([at(-14, -106), at(-6, -60), at(-10, 31), at(-28 + flare, 27), at(-24, -30), at(-26, -88)], _COAT_SHADE)
    pen.limb([at(-6, -106), at(14, -58), at(4, -22)], [3.4, 3.4, 3.4], _BAG_SHADE)


def _scarf_tail(pen: _Pen, neck: Point, n: int) -> None:
    for start, long, late, colour in ((6, 62, 0.9, _SCARF_SHADE), (0, 76, 0.0, _SCARF)):
        points = []
        for step in range(9):
            part = step / 8
            wave = math.sin(n / 4.4 - part * 4.2 - late) * 11 * part
            points.append((neck[0] - 8 - part * long, neck[1] + 6 + start + part * 15 + wave))
        pen.limb(points, [6.5 + 2.2 * step / 8 for step in range(9)], colour)


def _head(pen: _Pen, neck: Point, lean: float, n: int) -> None:
    pen.limb([neck, _from(neck, 20, -math.pi / 2 + lean)], [11, 10], _SKIN_SHADE)
    pen.limb([(neck[0] - 12, neck[1] - 2), (neck[0] + 13, neck[1] - 1)], [10, 9.5], _SCARF)
    nod = math.sin(math.tau * 2 * n / CYCLE_FRAMES) * 0.8
    x, y = neck[0] + 6, neck[1] - 40 + nod
    pen.smooth(
        [
            (x - 30, y - 30),
            (x + 6, y - 38),
            (x + 30, y - 22),
            (x + 16, y + 4),
            (x - 6, y + 26),
            (x - 34, y + 28),
            (x - 40, y),
        ],
        _HAIR,
    )
    pen.disc((x + 3, y), 25, _SKIN)
    pen.smooth([(x + 22, y - 8), (x + 32, y + 3), (x + 28, y + 10), (x + 18, y + 9)], _SKIN)
    pen.smooth([(x - 12, y + 10), (x + 22, y + 10), (x + 20, y + 27), (x + 2, y + 29), (x - 12, y + 22)], _SKIN)
    pen.smooth(
        [
            (x - 29, y - 22),
            (x - 2, y - 35),
            (x + 26, y - 26),
            (x + 30, y - 12),
            (x + 8, y - 13),
            (x - 3, y - 1),
            (x - 10, y + 14),
            (x - 27, y + 18),
            (x - 33, y),
        ],
        _HAIR,
    )
    pen.disc((x - 4, y + 4), 5.5, _SKIN_SHADE)
    pen.disc((x + 17, y - 2), 2.6, (54, 40, 40))
    pen.limb([(x + 14, y + 13), (x + 18, y + 15), (x + 22, y + 13)], [1.2, 1.3, 1.2], (176, 96, 86))
    pen.disc((x + 13, y + 9), 4.4, (242, 168, 138))
    pen.disc((x - 32, y - 22 + nod), 13, _HAIR)
