"""What is known of one element of the library, and the fields that change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from klingstudio.domain.element import ELEMENT_NAME_MAX, NOTES_MAX
from klingstudio.ui import theme
from klingstudio.ui.dialogs.library_list import Rows, parts_words, uses_words
from klingstudio.ui.models.library import LibraryModel
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import label, plain_tip
from klingstudio.ui.widgets.picture import Picture

if TYPE_CHECKING:
    from klingstudio.domain.element import LibraryElement


class Notes(QPlainTextEdit):
    """Tab leaves it; what was written is told when it is left."""

    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "details")
        self.setTabChangesFocus(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.left.emit()


class Details(QWidget):
    """Every change takes effect when its field is left; there is nothing to confirm."""

    export_wanted = Signal(str)
    removed = Signal(str)

    def __init__(self, library: LibraryModel, rows: Rows, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library, self._rows = library, rows
        self._shown: LibraryElement | None = None
        self.setProperty("clear", "true")
        self._pictures = QWidget(self)
        self._flow = FlowLayout(self._pictures, gap=theme.px(6))
        self._views: list[Picture] = []
        self.about = label(role="secondary", wraps=True, parent=self)
        self.name = self._field("Name")
        self.name.setMaxLength(ELEMENT_NAME_MAX)
        self.tags = self._field("Tags")
        self.tags.setPlaceholderText("hero, red coat, winter")
        self.notes = Notes(self)
        self.notes.setAccessibleName("Notes")
        self.notes.setPlaceholderText("What to keep in mind about it")
        self.notes.setFixedHeight(theme.px(theme.NOTES_HEIGHT))
        self.notes.left.connect(self._keep)
        self.export = Button("Export…", self)
        self.export.setToolTip("Write it as one file, to be imported on another computer")
        self.export.clicked.connect(lambda: self.export_wanted.emit(self.element_id))
        self.remove = Button("Delete", self)
        self.remove.setToolTip("Take it out of the library (Del). Drafts and takes keep it")
        self.remove.clicked.connect(lambda: self.removed.emit(self.element_id))
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(n) for n in (16, 0, 4, 8)))
        column.setSpacing(theme.px(theme.GAP))
        column.addWidget(self._pictures)
        column.addWidget(self.about)
        for words, field in (("Name", self.name), ("Tags, with commas between", self.tags), ("Notes", self.notes)):
            column.addSpacing(theme.px(theme.GAP))
            column.addWidget(label(words, "section"))
            column.addWidget(field)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.px(theme.BETWEEN))
        buttons.addWidget(self.export)
        buttons.addWidget(self.remove)
        buttons.addStretch()
        column.addSpacing(theme.px(theme.BETWEEN))
        column.addLayout(buttons)
        column.addStretch()
        rows.dataChanged.connect(self._show_pictures)

    def _field(self, name: str) -> QLineEdit:
        field = QLineEdit(self)
        field.setAccessibleName(name)
        field.editingFinished.connect(self._keep)
        return field

    @property
    def element_id(self) -> str:
        """Of the element that is shown; empty: none."""
        return self._shown.id if self._shown is not None else ""

    def show_element(self, element: LibraryElement | None) -> None:
        """Another element, or the same with other words. What is just being written is not touched."""
        before, is_same = self._shown, element is not None and element.id == self.element_id
        written = None if is_same else self._written()
        self._shown = element
        if element is not None:
            self._show(element, is_same=is_same)
        if before is not None and written is not None:
            # Only now: what is told of this change leads here again.
            self._describe(before, *written)

    def _show(self, element: LibraryElement, *, is_same: bool) -> None:
        self.about.setText(f"{parts_words(element)} · {uses_words(self._library.uses(element.id))}")
        self.export.setAccessibleName(f"Export {element.name} as a file")
        self.remove.setAccessibleName(f"Delete {element.name} from the library")
        if not (is_same and self.name.hasFocus()):
            self.name.setText(element.name)
        if not (is_same and self.tags.hasFocus()):
            self.tags.setText(", ".join(element.tags))
        if not (is_same and self.notes.hasFocus()):
            self.notes.setPlainText(element.notes)
        self._show_pictures()

    def _show_pictures(self) -> None:
        places = self._shown.places if self._shown is not None else ()
        while len(self._views) < len(places):
            view = Picture("image", self._pictures)
            side = theme.px(theme.ELEMENT_SIDE + theme.AROUND)
            view.setFixedSize(side, side)
            self._flow.addWidget(view)
            self._views.append(view)
        for at, view in enumerate(self._views):
            view.setVisible(at < len(places))
            if at < len(places):
                what = "Front picture" if at == 0 else f"Angle {at}"
                view.setAccessibleName(what)
                view.setToolTip(plain_tip(what))
                view.show_picture(self._rows.thumb(places[at]))
        self._pictures.updateGeometry()

    def _keep(self) -> None:
        if self._shown is not None:
            self._describe(self._shown, *self._written())

    def _written(self) -> tuple[str, tuple[str, ...], str]:
        tags = (tag.strip() for tag in self.tags.text().split(","))
        return self.name.text().strip(), tuple(tag for tag in tags if tag), self.notes.toPlainText()[:NOTES_MAX]

    def _describe(self, element: LibraryElement, name: str, tags: tuple[str, ...], notes: str) -> None:
        is_other = (name or element.name, tags, notes) != (element.name, element.tags, element.notes)
        if is_other and self._library.element(element.id) is not None:
            self._library.describe(element.id, name=name or element.name, tags=tags, notes=notes)
