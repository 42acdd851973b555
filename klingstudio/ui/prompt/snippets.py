"""Two small dialogs: name a new snippet; rename, insert and delete the ones there are."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.models.phrases import NAME_MOST, Phrase, PhrasesModel
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import label


class SaveDialog(QDialog):
    """Asks for the name under which a text is kept."""

    def __init__(self, phrases: PhrasesModel, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keep as a snippet")
        self.setMinimumWidth(theme.px(360))
        self._phrases = phrases
        self._text = text
        shown = label(text if len(text) <= _SHOWN else text[:_SHOWN].rstrip() + "…", "secondary", wraps=True)
        self.name = QLineEdit(self)
        self.name.setMaxLength(NAME_MOST)
        self.name.setPlaceholderText("Name, such as: film grain")
        self.name.setAccessibleName("Name of the snippet")
        self.keep = Button("Keep", self)
        self.keep.setDefault(True)
        self.keep.setEnabled(False)
        self.keep.setToolTip("Give it a name first")
        cancel = Button("Cancel", self)
        self.name.textChanged.connect(self._on_name)
        self.keep.clicked.connect(self._save)
        cancel.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(cancel)
        row.addWidget(self.keep)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(theme.AROUND),) * 4)
        column.setSpacing(theme.px(theme.INSIDE))
        column.addWidget(shown)
        column.addWidget(self.name)
        column.addLayout(row)

    def _on_name(self, name: str) -> None:
        self.keep.setEnabled(bool(name.strip()))
        self.keep.setToolTip("" if name.strip() else "Give it a name first")

    def _save(self) -> None:
        self._phrases.add(self.name.text(), self._text)
        self.accept()


_SHOWN = 300
"""Characters of the text that the dialog repeats."""


class SnippetsDialog(QDialog):
    """The snippets: Enter inserts, F2 renames, Del deletes, and a deletion can be taken back."""

    insert_wanted = Signal(object)
    """A `Phrase`."""

    def __init__(self, phrases: PhrasesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Snippets")
        self.resize(theme.px(420), theme.px(320))
        self._phrases = phrases
        self._before: tuple[Phrase, ...] | None = None
        self.list = QListWidget(self)
        self.list.setAccessibleName("Snippets")
        self.list.setProperty("kind", "rows")
        self.list.setEditTriggers(QListWidget.EditTrigger.EditKeyPressed)
        self.text = label(role="secondary", wraps=True)
        self.insert = Button("Insert", self)
        self.rename = Button("Rename", self)
        self.delete = Button("Delete", self)
        self.undo = Button("Undo", self, kind="link")
        self._said = label(role="secondary")
        close = Button("Close", self)
        self.insert.setToolTip("Insert into the prompt  Enter")
        self.rename.setToolTip("Rename  F2")
        self.delete.setToolTip("Delete  Del")
        for button, does in (
            (self.insert, self._insert),
            (self.rename, self._rename),
            (self.delete, self._delete),
            (self.undo, self._take_back),
            (close, self.accept),
        ):
            button.clicked.connect(does)
        self.list.itemChanged.connect(self._on_renamed)
        self.list.itemActivated.connect(self._insert)
        self.list.currentRowChanged.connect(self._show_text)
        said = QHBoxLayout()
        said.addWidget(self._said)
        said.addWidget(self.undo)
        said.addStretch()
        row = QHBoxLayout()
        for button in (self.insert, self.rename, self.delete):
            row.addWidget(button)
        row.addStretch()
        row.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(theme.AROUND),) * 4)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addWidget(self.list, stretch=1)
        column.addWidget(self.text)
        column.addLayout(said)
        column.addLayout(row)
        phrases.changed.connect(self._fill)
        self._fill()

    def keyPressEvent(self, event: object) -> None:
        if event.key() == Qt.Key.Key_Delete and self.list.currentItem() is not None:  # type: ignore[attr-defined]
            self._delete()
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]

    def _fill(self) -> None:
        at = self.list.currentRow()
        self.list.blockSignals(True)
        self.list.clear()
        for one in self._phrases.snippets:
            item = QListWidgetItem(one.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self.list.setCurrentRow(max(0, min(at, self.list.count() - 1)))
        self._show_text()

    def _show_text(self, _row: int = 0) -> None:
        chosen = self._chosen()
        self.text.setText(chosen.text if chosen else "No snippets yet: keep a text from the prompt")
        for button in (self.insert, self.rename, self.delete):
            button.setEnabled(chosen is not None)
        is_lost = self._before is not None
        self._said.setText("Deleted" if is_lost else "")
        self.undo.setVisible(is_lost)

    def _chosen(self) -> Phrase | None:
        at = self.list.currentRow()
        return self._phrases.snippets[at] if 0 <= at < len(self._phrases.snippets) else None

    def _insert(self) -> None:
        if (chosen := self._chosen()) is not None:
            self.insert_wanted.emit(chosen)

    def _rename(self) -> None:
        if (item := self.list.currentItem()) is not None:
            self.list.editItem(item)

    def _on_renamed(self, item: QListWidgetItem) -> None:
        at = self.list.row(item)
        self._phrases.rename(self._phrases.snippets[at].name, item.text())
        self._fill()

    def _delete(self) -> None:
        if (chosen := self._chosen()) is not None:
            self._before = self._phrases.snippets
            self._phrases.remove(chosen.name)

    def _take_back(self) -> None:
        if self._before is not None:
            before, self._before = self._before, None
            self._phrases.restore(before)
