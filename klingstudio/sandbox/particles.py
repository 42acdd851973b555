"""Snow, rain and embers, drawn as a transparent layer for each frame. Plain bytes: no picture library is needed."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from klingstudio.sandbox.looks import Air

Sprite = tuple[bytes, ...]
"""Rows of opacity, 0 to 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Particle:
    sprite: int
    x: float
    y: float
    """Where it is at time 0, as shares of the picture."""
    fall: float
    """Picture heights per second; embers rise, so theirs is negative."""
    drift: float
    """Picture heights per second to the right."""
    sway: float
    sway_hz: float
    phase: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    count: int
    colour: tuple[int, int, int]
    """Y, U, V of the whole layer."""


_KINDS = {
    Air.SNOW: _Kind(count=520, colour=(235, 129, 127)),
    Air.RAIN: _Kind(count=620, colour=(215, 132, 126)),
    Air.EMBERS: _Kind(count=140, colour=(180, 64, 186)),
}


class Particles:
    """Everything that moves through the air of one clip. The same seed draws the same flakes.

    Args:
        air: what moves; not `Air.CLEAR`.
        width_px, height_px: of the picture.
        seed: any text.
    """

    def __init__(self, air: Air, width_px: int, height_px: int, seed: str) -> None:
        self._width_px = width_px
        self._height_px = height_px
        self.colour = _KINDS[air].colour
        chance = random.Random(seed)  # noqa: S311 - flakes, not keys
        unit = min(width_px, height_px) / 720
        self._sprites = _sprites(air, unit)
        self._particles = [_particle(air, chance, len(self._sprites)) for _ in range(_KINDS[air].count)]

    def opacity(self, at_s: float, stride: int) -> bytes:
        """The opacity of every pixel at a time, rows padded to `stride` bytes."""
        plane = bytearray(stride * self._height_px)
        for one in self._particles:
            sprite = self._sprites[one.sprite]
            rows, columns = len(sprite), len(sprite[0])
            # Everything wraps round a field that is a little larger than the picture, so nothing pops in or out.
            down = (one.y + one.fall * at_s) % 1.0 * (self._height_px + rows) - rows
            across = one.x + (one.drift * at_s + one.sway * math.sin(math.tau * (one.sway_hz * at_s + one.phase)))
            right = across % 1.0 * (self._width_px + columns) - columns
            _stamp(plane, stride, sprite, int(right), int(down), self._width_px, self._height_px)
        return bytes(plane)


def _stamp(plane: bytearray, stride: int, sprite: Sprite, x: int, y: int, width_px: int, height_px: int) -> None:
    left, right = max(x, 0), min(x + len(sprite[0]), width_px)
    if left >= right:
        return
    for n, row in enumerate(sprite, y):
        if 0 <= n < height_px:
            at = n * stride
            plane[at + left : at + right] = row[left - x : right - x]


def _particle(air: Air, chance: random.Random, sprites: int) -> _Particle:
    # Squaring makes near, large, quick ones rare.
    near = chance.random() ** 2
    sprite = min(int(near * sprites), sprites - 1)
    match air:
        case Air.RAIN:
            fall, drift, sway = 1.3 + 1.1 * near, -0.10 - 0.08 * near, 0.0
        case Air.EMBERS:
            fall, drift, sway = -(0.10 + 0.22 * near), 0.02, 0.010 + 0.015 * near
        case _:
            fall, drift, sway = 0.09 + 0.26 * near, 0.012 + 0.03 * near, 0.004 + 0.012 * near
    return _Particle(
        sprite=sprite,
        x=chance.random(),
        y=chance.random(),
        fall=fall * chance.uniform(0.85, 1.15),
        drift=drift,
        sway=sway,
        sway_hz=chance.uniform(0.25, 0.7),
        phase=chance.random(),
    )


def _sprites(air: Air, unit: float) -> tuple[Sprite, ...]:
    """From far to near."""
    match air:
        case Air.RAIN:
            return tuple(
                _streak(length_px=max(round(length * unit), 6), lean=0.10, opacity=opacity)
                for length, opacity in ((18, 110), (30, 140), (46, 165), (70, 185))
            )
        case Air.EMBERS:
            return tuple(_dot(radius * unit, opacity) for radius, opacity in ((1.8, 220), (2.6, 240), (4.0, 250)))
        case _:
            return tuple(
                _dot(radius * unit, opacity)
                for radius, opacity in ((1.8, 190), (2.6, 220), (3.6, 245), (5.0, 250), (7.4, 200), (11.0, 125))
            )


def _dot(radius_px: float, opacity: int) -> Sprite:
    """A round spot with a soft edge; soft further in where it is large, like one that is out of focus."""
    radius_px = max(radius_px, 1.0)
    reach = math.ceil(radius_px)
    soft = 0.45 if radius_px < 5 else 0.75
    rows = []
    for y in range(-reach, reach + 1):
        row = bytearray()
        for x in range(-reach, reach + 1):
            away = math.hypot(x, y) / radius_px
            row.append(round(opacity * min(max((1 - away) / soft, 0.0), 1.0)))
        rows.append(bytes(row))
    return tuple(rows)


def _streak(length_px: int, lean: float, opacity: int) -> Sprite:
    """A thin line that leans to the left as it falls and fades towards its upper end."""
    columns = max(math.ceil(length_px * lean) + 2, 3)
    rows = []
    for y in range(length_px):
        row = bytearray(columns)
        x = (length_px - 1 - y) * lean
        fade = opacity * (0.25 + 0.75 * y / length_px)
        row[int(x)] = round(fade * (1 - x % 1))
        row[int(x) + 1] = round(fade * max(x % 1, 0.45))
        rows.append(bytes(row))
    return tuple(rows)
