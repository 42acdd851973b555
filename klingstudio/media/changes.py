"""How much two frames differ, and where, seen through their signatures.

An edit model redraws every pixel, so no two frames are equal. What counts is what a person would notice: cells whose
colour left the band in which encoding and redrawing let it swim.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from klingstudio.media.signature import SIDE, Signature

if TYPE_CHECKING:
    from PIL.Image import Image

_NOISE_LEVELS = 6
"""Up to this difference of a cell's mean, of 255, nothing has changed: encoding at low quality alone gives as much."""

_FULL_LEVELS = 64
"""From this difference on a cell has changed altogether."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Where two frames differ: a value from 0 to 255 for each cell of the upright picture, row by row."""

    width: int
    height: int
    values: bytes


def change(a: Signature, b: Signature) -> float:
    """How much two frames differ: 0 not at all, 1 everywhere and altogether.

    A small spot counts for more than its share: a hundredth of the picture that changed altogether gives a third.
    """
    counts = _heat_image(a, b).histogram()
    energy = sum(count * level * level for level, count in enumerate(counts) if count)
    return float((energy / (SIDE * SIDE * 255 * 255)) ** 0.25)


def heat(a: Signature, b: Signature) -> Heat:
    """Where two frames differ."""
    return Heat(width=SIDE, height=SIDE, values=_heat_image(a, b).tobytes())


def _heat_image(a: Signature, b: Signature) -> Image:
    # Imported late: the window is on screen before anything is compared.
    from PIL import Image, ImageChops

    first, second = (Image.frombytes("RGB", (SIDE, SIDE), signature.cells) for signature in (a, b))
    red, green, blue = ImageChops.difference(first, second).point(_curve()).split()
    # A colour that changed at the same brightness shows in one of the three as clearly as brightness does in all.
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


@cache
def _curve() -> list[int]:
    """From a difference to heat, once for each of the three colours."""
    span = _FULL_LEVELS - _NOISE_LEVELS
    return [round(255 * min(max(level - _NOISE_LEVELS, 0) / span, 1.0)) for level in range(256)] * 3
