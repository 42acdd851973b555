"""Going from area to area with F6."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def in_tab_order(region: QWidget) -> Iterator[QWidget]:
    """What is inside a region, in the order of the Tab key."""
    widget = region.nextInFocusChain()
    while widget is not None and widget is not region:
        if region.isAncestorOf(widget):
            yield widget
        widget = widget.nextInFocusChain()


def focus_first(region: QWidget) -> bool:
    """Give the keyboard to the first control of a region; False where it has none."""
    for widget in in_tab_order(region):
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            return True
    return False


def neighbour(regions: Sequence[QWidget], focus: QWidget | None, by: int) -> Iterator[QWidget]:
    """The regions after (1) or before (-1) the one that has the keyboard, going round."""
    here = next((n for n, region in enumerate(regions) if focus is not None and region.isAncestorOf(focus)), None)
    start = here if here is not None else (-1 if by > 0 else 0)
    for step in range(1, len(regions) + 1):
        yield regions[(start + by * step) % len(regions)]
