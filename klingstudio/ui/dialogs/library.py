"""The element library: look through it, use, describe, import and export what is kept."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QBoxLayout, QDialog, QFrame, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from klingstudio.ui import text, theme
from klingstudio.ui.dialogs.library_details import Details
from klingstudio.ui.dialogs.library_list import Rows, RowsView
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.library import ENDING, LibraryModel
from klingstudio.ui.widgets.empty import EmptyState
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import announce, label
from klingstudio.ui.widgets.notice import Notice
from klingstudio.ui.widgets.progress import ProgressLine

UNDO = "Undo"
FILE_FILTER = f"Elements (*{ENDING});;All files (*)"


class LibraryDialog(QDialog):
    """Stands beside the window; what is used goes into the draft that is shown there."""

    def __init__(self, library: LibraryModel, draft: DraftModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library, self._draft = library, draft
        self._tag_buttons: list[Button] = []
        self._is_wide: bool | None = None
        self.setObjectName("library")
        self.setWindowTitle("Element library")
        self.setModal(False)
        self.setAcceptDrops(True)
        self._build_head()
        self._busy = ProgressLine("Working", self)
        self.stop = Button("Cancel", self, kind="small")
        self.stop.clicked.connect(library.stop)
        self._busy_words = label(role="secondary", parent=self)
        self.notice = Notice(self, can_close=True)
        self.notice.acted.connect(self._on_notice)
        lines = ("Save an element of a draft here to use it again", "or import one that was exported")
        self.empty = EmptyState("library", lines, self)
        self.nothing = EmptyState("search", ("Nothing is called or tagged like this",), self)
        self.rows = Rows(library, self)
        self.list = RowsView(self.rows, self)
        self.details = Details(library, self.rows, self)
        self._build_foot()
        self._arrange()
        self.resize(*(theme.px(n) for n in theme.LIBRARY_SIZE))
        self._connect()
        FocusRing(self)
        self._refresh()

    def _build_head(self) -> None:
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Search names, tags and notes")
        self.search.setAccessibleName("Search the library")
        self.search.setToolTip("Ctrl+F")
        self.search.setClearButtonEnabled(True)
        self.import_ = Button("Import…", self)
        self.import_.setToolTip(f"Add elements from {ENDING} files; they can be dropped here as well")
        self._tags = QWidget(self)
        self._tags_flow = FlowLayout(self._tags, gap=theme.px(theme.GAP))

    def _build_foot(self) -> None:
        self._reason = label(role="secondary", wraps=True, parent=self)
        self.add = Button("Add to draft", self, icon_name="user-round-plus")
        self.add.setToolTip("Enter, or a double click on the element")
        self._close = Button("Done", self)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(theme.px(theme.BETWEEN))
        head.addWidget(self.search, stretch=1)
        head.addWidget(self.import_)
        busy = QHBoxLayout()
        busy.setSpacing(theme.px(theme.BETWEEN))
        busy.addWidget(self._busy_words)
        busy.addWidget(self._busy, stretch=1)
        busy.addWidget(self.stop)
        self._scroll = QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self.details)
        self._middle = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._middle.setSpacing(0)
        self._middle.addWidget(self.list, stretch=1)
        self._middle.addWidget(self._scroll)
        inside = QVBoxLayout()
        inside.setContentsMargins(*(theme.px(n) for n in (20, 16, 20, 0)))
        inside.setSpacing(theme.px(theme.BETWEEN))
        inside.addLayout(head)
        inside.addWidget(self._tags)
        inside.addLayout(busy)
        inside.addWidget(self.notice)
        inside.addWidget(self.empty, stretch=1)
        inside.addWidget(self.nothing, stretch=1)
        inside.addLayout(self._middle, stretch=1)
        foot = QHBoxLayout()
        foot.setContentsMargins(*(theme.px(n) for n in (20, 12, 20, 16)))
        foot.setSpacing(theme.px(theme.BETWEEN))
        foot.addWidget(self._reason, stretch=1)
        foot.addWidget(self.add)
        foot.addWidget(self._close)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.setSpacing(0)
        outside.addLayout(inside, stretch=1)
        outside.addLayout(foot)

    def _connect(self) -> None:
        library = self._library
        self.search.textChanged.connect(library.search)
        self.search.returnPressed.connect(self.list.setFocus)
        self.import_.clicked.connect(self.choose_files)
        self.add.clicked.connect(lambda: self._use(self.list.element_id))
        self._close.clicked.connect(self.close)
        self.list.used.connect(self._use)
        self.list.removed.connect(library.remove)
        self.list.chosen.connect(self._on_chosen)
        self.list.rename_wanted.connect(self._rename)
        self.details.removed.connect(library.remove)
        self.details.export_wanted.connect(self._export)
        library.changed.connect(self._refresh)
        library.added.connect(self._on_added)
        self._draft.changed.connect(self._show_reason)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.activated.connect(self.search.setFocus)
        # A field that is being written in undoes its own words first.
        undo = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self)
        undo.activated.connect(library.put_back)

    # life

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._library.watch()
        self._refresh()
        (self.list if self.rows.rowCount() else self.search).setFocus(Qt.FocusReason.OtherFocusReason)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._library.rest()
        self.rows.wait()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._turn()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._turn()

    def _turn(self) -> None:
        """What is chosen stands beside the list where there is room, else below it."""
        is_wide = self.width() >= theme.px(theme.LIBRARY_LIST + theme.LIBRARY_DETAILS + 40)
        if is_wide is self._is_wide:
            return
        self._is_wide = is_wide
        ways = QBoxLayout.Direction
        self._middle.setDirection(ways.LeftToRight if is_wide else ways.TopToBottom)
        wide = theme.px(theme.LIBRARY_DETAILS)
        self._scroll.setMinimumWidth(wide if is_wide else 0)
        self._scroll.setMaximumWidth(wide if is_wide else self.maximumWidth())
        self._middle.setStretch(1, 0 if is_wide else 1)

    # showing

    def _refresh(self) -> None:
        library = self._library
        chosen = self.list.element_id
        row = self.list.currentIndex().row()
        self.rows.take_over()
        count = self.rows.rowCount()
        if (count and self.list.element_id != chosen) or not self.list.currentIndex().isValid():
            # The neighbour of what is gone.
            is_there = self.rows.index_of(chosen).isValid()
            near = self.rows.element(self.rows.index(min(max(row, 0), count - 1))) if count else None
            self.list.choose(chosen if is_there or near is None else near.id)
        is_empty = not library.every
        if is_empty:
            self.search.clear()
        self.empty.setVisible(is_empty)
        self.nothing.setVisible(not is_empty and not count)
        self.list.setVisible(bool(count))
        self._scroll.setVisible(bool(count))
        self.search.setEnabled(not is_empty)
        self._show_tags()
        for widget in (self._busy, self._busy_words, self.stop):
            widget.setVisible(bool(library.busy))
        self._busy_words.setText(f"{library.busy}…")
        self._show_notice()
        self._on_chosen(self.list.element_id)

    def _show_tags(self) -> None:
        wanted = ["", *self._library.tags] if self._library.tags else []
        if [button.property("tag") for button in self._tag_buttons] != wanted:
            for button in self._tag_buttons:
                self._tags_flow.removeWidget(button)
                button.hide()
                button.deleteLater()
            self._tag_buttons = [self._tag_button(tag) for tag in wanted]
        for button in self._tag_buttons:
            button.setChecked(button.property("tag") == self._library.tag)
        self._tags.setVisible(bool(wanted))

    def _tag_button(self, tag: str) -> Button:
        button = Button(tag or "All", self._tags, kind="small")
        button.setCheckable(True)
        button.setProperty("tag", tag)
        button.setAccessibleName(f"Only what is tagged {tag}" if tag else "All elements")
        button.clicked.connect(lambda: self._library.choose_tag(tag))
        self._tags_flow.addWidget(button)
        button.show()
        return button

    def _show_notice(self) -> None:
        problem, removed = self._library.problem, self._library.removed
        if problem is not None:
            sentence = text.sentence(problem)
            self.notice.say(sentence.title, sentence.hint, details=text.one_line(problem))
        elif removed is not None:
            hint = "Drafts and takes that use it stay as they are."
            self.notice.say(f"{removed.name} was removed from the library", hint, (UNDO,), tone="neutral")
        else:
            self.notice.clear()

    def _show_reason(self) -> None:
        reason = self._library.refusal() if self._library.is_attached else ""
        self._reason.setText(reason)
        self.add.setEnabled(bool(self.list.element_id) and not reason)
        self.add.setToolTip(reason or "Enter, or a double click on the element")

    def _on_chosen(self, element_id: str) -> None:
        self.details.show_element(self._library.element(element_id) if element_id else None)
        self._show_reason()

    # wishes

    def choose_files(self) -> None:
        """Ask for element files without stopping the window."""
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self, "Import elements", "", FILE_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: self._library.import_files([Path(name) for name in names]))
        dialog.open()

    def _export(self, element_id: str) -> None:
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self, "Export the element", self._library.file_name(element_id), FILE_FILTER)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(ENDING.removeprefix("."))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self._library.export(element_id, Path(name)))
        dialog.open()

    def _use(self, element_id: str) -> None:
        one = self._library.element(element_id)
        if one is not None and self._library.add_to_draft(element_id):
            words = f"{one.name} is in the draft"
            self._reason.setText(words)
            announce(self, words)

    def _rename(self) -> None:
        self.details.name.setFocus(Qt.FocusReason.OtherFocusReason)
        self.details.name.selectAll()

    def _on_notice(self, words: str) -> None:
        if words == UNDO:
            self._library.put_back()

    def _on_added(self, element_id: str) -> None:
        if not self.rows.index_of(element_id).isValid():
            # It would be hidden by what is looked for.
            self.search.clear()
            self._library.choose_tag("")
        self.list.choose(element_id)

    # files that are dropped

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _element_files(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if files := _element_files(event):
            event.acceptProposedAction()
            self._library.import_files(files)


def _element_files(event: QDropEvent) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() == ENDING]
