"""What a person may send to whoever helps, shown before it is copied. It goes nowhere by itself."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QFileDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.models.report import ReportModel
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import label

COPY, COPIED = "Copy", "Copied"
_HINT = (
    "For whoever helps you. It goes nowhere by itself: you copy or save it. No key, no prompt and no address is in it,"
    " and names of files only if you wish."
)
_WAIT = "Gathering…"


class ReportDialog(QDialog):
    """The text, and what to do with it."""

    def __init__(self, model: ReportModel, problems: Problems, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("report")
        self.setWindowTitle("Report")
        self.setModal(False)
        self._model = model
        self._problems = problems
        self.words = QPlainTextEdit(self)
        self.words.setProperty("kind", "details")
        self.words.setReadOnly(True)
        self.words.setTabChangesFocus(True)
        self.words.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.words.setAccessibleName("Report")
        flags = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        self.words.setTextInteractionFlags(flags)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(theme.px(theme.SMALL_PX))
        self.words.document().setDefaultFont(font)
        self.names = QCheckBox("With names of files", self)
        self.names.toggled.connect(self._gather)
        self.copy = Button(COPY, self)
        self.copy.clicked.connect(self._copy)
        self.save = Button("Save…", self)
        self.save.clicked.connect(self._choose_place)
        done = Button("Done", self)
        done.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.setSpacing(theme.px(theme.BETWEEN))
        foot.addWidget(self.names)
        foot.addStretch()
        for button in (self.copy, self.save, done):
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(n) for n in (20, 16, 20, 16)))
        column.setSpacing(theme.px(theme.INSIDE))
        column.addWidget(label(_HINT, "secondary", wraps=True))
        column.addWidget(self.words, stretch=1)
        column.addLayout(foot)
        model.made.connect(self._show)
        self.resize(theme.px(640), theme.px(560))
        FocusRing(self)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._gather()

    def _gather(self) -> None:
        self._set("", ready=False)
        self.words.setPlaceholderText(_WAIT)
        size, scale = self.screen().size(), self.devicePixelRatioF()
        screen = f"{size.width()} × {size.height()}, scale {scale:g}, text {theme.px(100)} %"
        self._model.make(screen=screen, with_names=self.names.isChecked())

    def _show(self, words: str) -> None:
        self._set(words, ready=True)

    def _set(self, words: str, *, ready: bool) -> None:
        self.words.setPlainText(words)
        self.copy.setText(COPY)
        self.copy.setEnabled(ready)
        self.save.setEnabled(ready)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.words.toPlainText())
        self.copy.setText(COPIED)

    def _choose_place(self) -> None:
        name, _kind = QFileDialog.getSaveFileName(self, "Save the report", "klingstudio-report.txt", "Text (*.txt)")
        if name:
            self.save_to(Path(name))

    def save_to(self, place: Path) -> None:
        """Write it there; what cannot be written is said."""
        from klingstudio.domain.errors import DiskProblem, Kind

        try:
            place.write_text(self.words.toPlainText(), "utf-8")
        except OSError as error:
            self._problems.show(DiskProblem(Kind.DISK_UNWRITABLE, f"{place.name}: {error.strerror}").problem)
