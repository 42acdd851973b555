"""What an edit makes of a reference picture, in pixels, and the least one that makes it acceptable."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from klingstudio.domain.media import IMAGE_MAX_PIXELS, ImageFacts, Limits, PictureEdit

ENLARGE_FROM_PX = 150
"""Enlarged from a shorter side below this, a picture would show the model more blur than likeness."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def legal_edit(facts: ImageFacts, limits: Limits) -> PictureEdit | None:
    """The least edit that makes a picture acceptable which `check_image` refuses.

    Padded, not cropped: only the person knows what of a picture may be left out.

    Returns:
        None where nothing needs to be done, or nothing sensible can be.
    """
    width, height = facts.width_px, facts.height_px
    is_narrow = max(width, height) > min(width, height) * limits.image_ratio_max
    edit = PictureEdit(pad_ratio=limits.image_ratio_max if is_narrow else None, max_bytes=limits.image_max_bytes)
    shorter = min(_padded(width, height, edit))
    is_small = shorter < limits.image_min_px
    if (is_small and shorter < ENLARGE_FROM_PX) or width * height > IMAGE_MAX_PIXELS:
        return None
    if not (is_narrow or is_small or facts.size_bytes > limits.image_max_bytes):
        return None
    return replace(edit, least_px=limits.image_min_px if is_small else 0)


def also(edit: PictureEdit, legal: PictureEdit) -> PictureEdit:
    """`edit`, and what `legal_edit` says has to be done to its result."""
    return replace(
        edit,
        pad_ratio=legal.pad_ratio or edit.pad_ratio,
        least_px=max(legal.least_px, edit.least_px),
        max_bytes=legal.max_bytes,
    )


def edited_size(width_px: int, height_px: int, edit: PictureEdit) -> tuple[int, int]:
    """Width and height of an upright picture of this size after the edit. A file that is still too large gets smaller."""
    width, height = _padded(*cut_size(width_px, height_px, edit), edit)
    shorter = min(width, height)
    factor = max(Fraction(1), Fraction(edit.least_px, shorter))
    if width * height * factor * factor > IMAGE_MAX_PIXELS:
        # A little less than the most, so that the side which is rounded up does not go beyond it.
        factor = Fraction(math.isqrt(IMAGE_MAX_PIXELS * 998_000 // (width * height)), 1000)
    return scaled_size(width, height, factor)


def cut_size(width_px: int, height_px: int, edit: PictureEdit) -> tuple[int, int]:
    """Width and height of what the crop leaves, before anything is added or scaled."""
    left, top, right, bottom = crop_box(width_px, height_px, edit)
    return right - left, bottom - top


def crop_box(width_px: int, height_px: int, edit: PictureEdit) -> Box:
    """The crop in pixels of the turned picture, never less than one pixel."""
    if edit.turn_deg % 180:
        width_px, height_px = height_px, width_px
    left, right = _part_of(width_px, edit.left, edit.right)
    top, bottom = _part_of(height_px, edit.top, edit.bottom)
    return left, top, right, bottom


def scaled_size(width_px: int, height_px: int, factor: Fraction) -> tuple[int, int]:
    """Both sides times `factor`, rounded so that the shape never gets narrower."""
    if width_px >= height_px:
        return max(1, math.floor(width_px * factor)), max(1, math.ceil(height_px * factor))
    return max(1, math.ceil(width_px * factor)), max(1, math.floor(height_px * factor))


def turned(edit: PictureEdit, by_deg: int) -> PictureEdit:
    """The same part of the picture after a further turn, clockwise by 90, 180 or 270 degrees."""
    left, top, right, bottom = edit.left, edit.top, edit.right, edit.bottom
    for _ in range(by_deg // 90 % 4):
        left, top, right, bottom = 1 - bottom, left, 1 - top, right
    return replace(edit, turn_deg=(edit.turn_deg + by_deg) % 360, left=left, top=top, right=right, bottom=bottom)


def shaped(edit: PictureEdit, width_px: int, height_px: int, ratio: float) -> PictureEdit:
    """The crop in this shape, width divided by height: as large as what it holds now, around the same middle."""
    if edit.turn_deg % 180:
        width_px, height_px = height_px, width_px
    # As a part of the width for each part of the height.
    ratio *= height_px / width_px
    area = (edit.right - edit.left) * (edit.bottom - edit.top)
    wide, high = math.sqrt(area * ratio), math.sqrt(area / ratio)
    less = min(1.0, 1 / wide, 1 / high)
    wide, high = min(1.0, wide * less), min(1.0, high * less)
    left = min(max(0.0, (edit.left + edit.right - wide) / 2), 1 - wide)
    top = min(max(0.0, (edit.top + edit.bottom - high) / 2), 1 - high)
    return replace(edit, left=left, top=top, right=left + wide, bottom=top + high)


def _part_of(side_px: int, first: float, last: float) -> tuple[int, int]:
    start = min(max(0, round(first * side_px)), side_px - 1)
    return start, max(min(round(last * side_px), side_px), start + 1)


def _padded(width_px: int, height_px: int, edit: PictureEdit) -> tuple[int, int]:
    if edit.pad_ratio is None:
        return width_px, height_px
    # Rounded first: 1000 / 2.5 must not become 401 for the last digit of a float.
    least = math.ceil(round(max(width_px, height_px) / edit.pad_ratio, 6))
    return max(width_px, least), max(height_px, least)
