"""The order of the Tab key and the areas of F6: as things stand on the screen, not as they were made.

Tiles, cards and buttons come and go; a chain kept by hand would be wrong at the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QWidget


def tab_stops(roots: Iterable[QWidget]) -> list[QWidget]:
    """Every control that the Tab key stops at: row by row, from left to right, a card before what is in it."""
    return [widget for root in roots for widget in _walk(root)]


def focus_first(region: QWidget) -> bool:
    """Give the keyboard to what the region names for it while that is there, else to its first control.

    False where it has none.
    """
    named = region.focusProxy()
    is_there = named is not None and named.isVisible() and region.isAncestorOf(named)
    stops = [named] if named is not None and is_there else tab_stops([region])
    if stops:
        go_to(stops[0], Qt.FocusReason.TabFocusReason)
    return bool(stops)


def go_to(widget: QWidget, reason: Qt.FocusReason) -> None:
    """Give the keyboard to a control and scroll to it."""
    widget.setFocus(reason)
    scroll_to(widget)


def scroll_to(widget: QWidget) -> None:
    """Bring it into view, where it lies in something that can be scrolled."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget)
        parent = parent.parentWidget()


def next_stop(stops: Sequence[QWidget], focus: QWidget | None, *, forward: bool) -> QWidget | None:
    """The stop after or before the one that has the keyboard, going round; None where there are no stops.

    Beside a control that is no stop, or none any more because it was hidden or greyed, it is the nearest one.
    """
    if not stops:
        return None
    at = next((n for n, stop in enumerate(stops) if stop is focus), None)
    if at is None:
        near = _near(stops, focus)
        return near[0 if forward else -1]
    return stops[(at + (1 if forward else -1)) % len(stops)]


def neighbour(regions: Sequence[QWidget], focus: QWidget | None, by: int) -> Iterator[QWidget]:
    """The regions after (1) or before (-1) the one that has the keyboard, going round."""
    here = next((n for n, region in enumerate(regions) if focus is not None and region.isAncestorOf(focus)), None)
    start = here if here is not None else (-1 if by > 0 else 0)
    for step in range(1, len(regions) + 1):
        yield regions[(start + by * step) % len(regions)]


def _near(stops: Sequence[QWidget], focus: QWidget | None) -> Sequence[QWidget]:
    parent = focus.parentWidget() if focus is not None else None
    while parent is not None:
        if inside := [stop for stop in stops if parent.isAncestorOf(stop)]:
            return inside
        parent = parent.parentWidget()
    return stops


def _walk(widget: QWidget) -> Iterator[QWidget]:
    if not widget.isVisible() or not widget.isEnabled():
        return
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
        yield widget
    for child in _as_read(widget):
        yield from _walk(child)


def _as_read(parent: QWidget) -> list[QWidget]:
    children = [w for w in parent.children() if isinstance(w, QWidget) and w.isVisible() and not w.isWindow()]
    rows: list[list[QWidget]] = []
    for child in sorted(children, key=lambda w: w.y()):
        if rows and child.geometry().center().y() <= rows[-1][0].geometry().bottom():
            rows[-1].append(child)
        else:
            rows.append([child])
    return [child for row in rows for child in sorted(row, key=lambda w: w.x())]
