"""What can be done with a chip and with the text, and the larger picture of a chip."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QPixmap
from PySide6.QtWidgets import QFrame, QMenu, QVBoxLayout, QWidget, QWidgetAction

from klingstudio.domain.prompt import Token, TokenKind
from klingstudio.ui import theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.prompt.edit import PromptEdit
from klingstudio.ui.prompt.faces import Face, Faces
from klingstudio.ui.widgets.labels import label
from klingstudio.ui.widgets.picture import Picture


class FaceCard(QWidget):
    """The picture of a reference, larger, with its number and name below."""

    def __init__(self, face: Face, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        picture = Picture(face.icon, self)
        picture.setFixedSize(card_size(face.picture))
        picture.show_picture(face.picture)
        name = label(face.words, "small", wraps=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(n) for n in (6, 6, 6, 4)))
        column.setSpacing(theme.px(theme.GAP))
        column.addWidget(picture)
        column.addWidget(name)
        self.setAccessibleName(face.words)


def card_size(picture: QPixmap | None) -> QSize:
    """Its own shape, in a square of the theme's size."""
    most = theme.px(theme.CARD_PICTURE)
    if picture is None:
        return QSize(most, theme.px(theme.CARD_PICTURE * theme.TILE_ASPECT))
    return picture.deviceIndependentSize().toSize().scaled(most, most, Qt.AspectRatioMode.KeepAspectRatio)


class HoverCard(QFrame):
    """Over a chip, without taking mouse or keyboard."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("chipCard")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._card: FaceCard | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.hide()

    @property
    def words(self) -> str:
        """What is shown; empty while nothing is."""
        return self._card.accessibleName() if self._card is not None and self.isVisible() else ""

    def show_face(self, face: Face, chip: QRect) -> None:
        """`chip`: in the window's coordinates. Above it where there is room."""
        if self._card is not None:
            self._column.removeWidget(self._card)
            self._card.deleteLater()
        self._card = FaceCard(face, self)
        self._column.addWidget(self._card)
        wide = card_size(face.picture).width() + 2 * theme.px(6) + 2
        self._card.setFixedWidth(wide)
        size = QSize(
            wide, self._card.heightForWidth(wide) if self._card.hasHeightForWidth() else self.sizeHint().height()
        )
        room, air = self._window.rect(), theme.px(theme.GAP)
        top = chip.top() - air - size.height()
        top = top if top >= air else chip.bottom() + air
        left = max(air, min(chip.left(), room.width() - size.width() - air))
        self.setGeometry(QRect(QPoint(left, top), size))
        self.show()
        self.raise_()


class PromptMenus(QObject):
    """Opens the menus of a field. At most one is open."""

    save_wanted = Signal(str)
    """Keep this text as a snippet."""
    add_wanted = Signal()
    """Add a picture."""

    def __init__(self, edit: PromptEdit, faces: Faces, draft: DraftModel) -> None:
        super().__init__(edit)
        self._edit = edit
        self._faces = faces
        self._draft = draft
        self._card: HoverCard | None = None
        self.menu: QMenu | None = None

    @property
    def card(self) -> HoverCard | None:
        """The larger picture while it is shown."""
        return self._card if self._card is not None and self._card.isVisible() else None

    def open(self, place: int | None, at: QPoint) -> None:
        """The menu of the chip at this place of Qt's, or of the text (None), at this point of the screen."""
        if self.menu is not None and self.menu.isVisible():
            return
        self.show_card(None)
        menu = QMenu(self._edit)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.destroyed.connect(self._forget)
        token = self._edit.token_at(place) if place is not None else None
        if place is not None and token is not None:
            self._fill_chip(menu, place, token)
        else:
            self._fill_text(menu)
        self.menu = menu
        menu.popup(at)

    def _forget(self) -> None:
        self.menu = None

    def _fill_chip(self, menu: QMenu, place: int, token: Token) -> None:
        face, edit = self._faces.of(token), self._edit
        menu.setAccessibleName(face.words)
        if face.number is not None:
            header = QWidgetAction(menu)
            header.setDefaultWidget(FaceCard(face, menu))
            menu.addAction(header)
            show = menu.addAction(f"Show {face.title}")
            show.triggered.connect(lambda: self._draft.flash_wanted.emit(token.reference_id))
            show.setEnabled(token.kind is not TokenKind.VIDEO)
        others = [other for other in self._faces.every() if other.token != token]
        if others:
            inside = menu.addMenu("Replace with")
            for other in others:
                action = inside.addAction(other.words)
                action.triggered.connect(lambda _=False, to=other.token: edit.replace_chip(place, to))
        else:
            menu.addAction("Add image…").triggered.connect(self.add_wanted)
        if face.number is not None and token.kind is TokenKind.IMAGE:
            turn = menu.addAction("Make it an element")
            turn.triggered.connect(lambda: self._draft.picture_to_element(token.reference_id))
        remove = menu.addAction("Remove")
        remove.triggered.connect(lambda: edit.remove_chip(place))

    def _fill_text(self, menu: QMenu) -> None:
        edit, draft, keys = self._edit, self._draft, QKeySequence.StandardKey
        has_selection, is_empty = edit.textCursor().hasSelection(), not draft.words
        undo, redo = draft.undo_label, draft.redo_label
        _line(menu, f"Undo {undo}".strip(), edit.undo, keys.Undo, is_on=bool(undo))
        _line(menu, f"Redo {redo}".strip(), edit.redo, keys.Redo, is_on=bool(redo))
        menu.addSeparator()
        _line(menu, "Cut", edit.cut, keys.Cut, is_on=has_selection)
        _line(menu, "Copy", edit.copy, keys.Copy, is_on=has_selection)
        _line(menu, "Paste", edit.paste, keys.Paste, is_on=edit.canPaste())
        _line(menu, "Select all", edit.selectAll, keys.SelectAll, is_on=not is_empty)
        menu.addSeparator()
        if faces := self._faces.every():
            inside = menu.addMenu("Insert")
            for face in faces:
                action = inside.addAction(face.words)
                action.triggered.connect(lambda _=False, id_=face.token.reference_id: edit.insert_reference(id_))
        what = "selected text" if has_selection else "prompt"
        keep = menu.addAction(f"Keep the {what} as a snippet…")
        keep.triggered.connect(lambda: self.save_wanted.emit(edit.chosen_text()))
        keep.setEnabled(not is_empty)

    def show_card(self, place: int | None) -> None:
        """The larger picture of the chip at this place of Qt's; None: no longer."""
        token = self._edit.token_at(place) if place is not None else None
        if place is None or token is None:
            if self._card is not None:
                self._card.hide()
            return
        window = self._edit.window()
        if self._card is None:
            self._card = HoverCard(window)
        area, viewport = self._edit.chip_area(place), self._edit.viewport()
        self._card.show_face(self._faces.of(token), QRect(viewport.mapTo(window, area.topLeft()), area.size()))


def _line(menu: QMenu, words: str, does: object, key: QKeySequence.StandardKey, *, is_on: bool) -> QAction:
    action = menu.addAction(words)
    # Only to be read: the keys are the field's own.
    action.setShortcut(QKeySequence(key))
    action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    action.triggered.connect(does)
    action.setEnabled(is_on)
    return action
