"""What can be done with a reference picture, as the menu of its tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from klingstudio.domain.element import is_web_address
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.references import Picture
from klingstudio.ui.references.picture_fixes import MADE_HERE, Act
from klingstudio.ui.widgets.labels import plain_tip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the menu. With a reason it is grey, and says why on hover."""

    words: str
    does: Callable[[], None]
    key: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The image that the menu is about."""

    picture: Picture
    number: int
    count: int
    """Of all images."""
    fixes: Sequence[Act]
    no_elements: str
    """Why no element can be made of it; empty where one can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """Everything that can be done with an image."""

    insert: Callable[[], None]
    look: Callable[[], None]
    replace: Callable[[], None]
    crop: Callable[[], None]
    use_original: Callable[[], None]
    make_element: Callable[[], None]
    show_in_folder: Callable[[], None]
    copy_path: Callable[[], None]
    move: Callable[[int], None]
    remove: Callable[[], None]


def no_elements(draft: DraftModel) -> str:
    """Why no image can be made an element; empty where it can. It takes the place of the image: there is room for it."""
    info = draft.provider
    return f"{info.title} takes no elements" if info is not None and not info.takes_elements else ""


def lines_of(subject: Subject, deeds: Deeds) -> tuple[tuple[Line, ...], ...]:
    """The lines of the menu, group by group."""
    picture, number = subject.picture, subject.number
    is_away = is_web_address(picture.place)
    away = "It is on the internet" if is_away else ""
    unread = away or ("" if picture.facts else "It cannot be read")
    is_first = "It is the first" if number == 1 else ""
    is_last = "It is the last" if number == subject.count else ""
    return (
        (
            Line(f"Insert @Image{number}", deeds.insert, "Enter"),
            Line("Look at it larger", deeds.look, "Space", unread),
        ),
        (
            Line("Replace…", deeds.replace),
            Line("Crop and rotate…", deeds.crop, "", unread),
            *(Line(words, does) for words, does in subject.fixes if words in MADE_HERE),
            *([Line("Use the original", deeds.use_original)] if picture.made else []),
            Line("Make an element of it", deeds.make_element, "", subject.no_elements),
        ),
        (
            Line("Show in folder", deeds.show_in_folder, "", away),
            Line("Copy the address" if is_away else "Copy the path", deeds.copy_path),
        ),
        (
            Line("Move left", lambda: deeds.move(-1), "Alt+←", is_first),
            Line("Move right", lambda: deeds.move(1), "Alt+→", is_last),
            Line("Remove", deeds.remove, "Del"),
        ),
    )


def fill_menu(menu: QMenu, groups: Sequence[Sequence[Line]]) -> QMenu:
    """The lines, a rule between the groups."""
    menu.setToolTipsVisible(True)
    for group in groups:
        if not menu.isEmpty() and group:
            menu.addSeparator()
        for line in group:
            # The keys belong to the tile, not to the window: a second shortcut would only be in its way.
            action = QAction(f"{line.words}\t{line.key}" if line.key else line.words, menu)
            action.setEnabled(not line.reason)
            action.setToolTip(plain_tip(line.reason))
            action.triggered.connect(line.does)
            menu.addAction(action)
    return menu
