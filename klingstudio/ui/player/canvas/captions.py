"""What a comparison is called: the names on the pictures, and a sentence for who cannot see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from PySide6.QtCore import QRect, Qt

from klingstudio.ui.player.canvas.arrangement import parted
from klingstudio.ui.player.canvas.tags import Tag
from klingstudio.ui.player.comparison import Comparison, Mode
from klingstudio.ui.player.playback.pair import Side

Names = Mapping[Side, str]
"""What the sides are called beside Before and After; may be empty."""

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
_LOW = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
_MIDDLE = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop


def name_of(side: Side, names: Names) -> str:
    """`Before`, or `After · v02`."""
    word = "Before" if side is Side.BEFORE else "After"
    return f"{word} · {names[side]}" if names.get(side) else word


def in_order(comparison: Comparison) -> tuple[Side, Side]:
    """The side that takes the place of before, and the other."""
    return (Side.AFTER, Side.BEFORE) if comparison.is_flipped else (Side.BEFORE, Side.AFTER)


def tags(
    comparison: Comparison, names: Names, areas: Mapping[Side, QRect], *, has_heat: bool, has_arrow: bool
) -> Iterator[Tag]:
    """The names on two pictures. `areas`: where each side is to be seen, in logical pixels.

    `has_heat`: it is known where the two differ.
    """

    def named(side: Side, corner: Qt.AlignmentFlag) -> Tag:
        return Tag(words=name_of(side, names), side=side, area=areas[side], corner=corner, has_arrow=has_arrow)

    first, second = in_order(comparison)
    match comparison.mode:
        case Mode.BEFORE | Mode.AFTER:
            side = first if comparison.mode is Mode.BEFORE else second
            # Each side keeps its corner, so that flipping is seen from the corner of the eye.
            yield named(side, _LEFT if side is Side.BEFORE else _RIGHT)
        case Mode.WIPE if comparison.wipes_across:
            yield named(first, _LEFT)
            yield named(second, _LOW)
        case Mode.SIDE_BY_SIDE | Mode.WIPE:
            yield named(first, _LEFT)
            yield named(second, _RIGHT)
        case Mode.OVERLAY | Mode.DIFFERENCE:
            left, right = parted(Comparison(), areas[first])
            yield replace(named(first, _LEFT), area=left)
            yield replace(named(second, _RIGHT), area=right)
        case other:
            assert_never(other)
    words = how(comparison, has_heat=has_heat)
    if words:
        yield Tag(words=words, side=None, area=areas[first].united(areas[second]), corner=_MIDDLE)


def how(comparison: Comparison, *, has_heat: bool) -> str:
    """What is done to the pictures that one does not see at once."""
    match comparison.mode:
        case Mode.OVERLAY:
            words = f"Overlay {round(comparison.opacity * 100)} %"
        case Mode.DIFFERENCE:
            words = f"Difference × {comparison.times}"
        case Mode.BEFORE | Mode.AFTER | Mode.SIDE_BY_SIDE | Mode.WIPE:
            words = ""
        case other:
            assert_never(other)
    heat = "Where they differ" if has_heat else "Looking where they differ…"
    more = (heat if comparison.shows_heat else "", "Flipped" if comparison.is_flipped else "")
    return " · ".join(filter(None, (words, *more)))


def sentence(comparison: Comparison, names: Names) -> str:
    """What is to be seen where."""
    first, second = (name_of(side, names) for side in in_order(comparison))
    match comparison.mode:
        case Mode.BEFORE:
            return first
        case Mode.AFTER:
            return second
        case Mode.SIDE_BY_SIDE:
            return f"{first} and {second}, side by side"
        case Mode.WIPE if comparison.wipes_across:
            return f"{first} above the divider, {second} below it"
        case Mode.WIPE:
            return f"{first} left of the divider, {second} right of it"
        case Mode.OVERLAY:
            return f"{second} laid over {first}"
        case Mode.DIFFERENCE:
            return f"Difference of {first} and {second}"
        case other:
            assert_never(other)
