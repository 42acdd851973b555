"""The source: a place to drop a clip, then the clip itself."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.source.card import SourceCard
from klingstudio.ui.widgets.drop import DropArea, DropLight
from klingstudio.ui.widgets.icons import IconButton
from klingstudio.ui.widgets.labels import label

VIDEO_FILTER = (
    "Videos (*.mp4 *.mov *.m4v *.mkv *.webm *.avi *.mpg *.mpeg *.ts *.mts *.m2ts *.wmv *.3gp *.mxf);;All files (*)"
)


class SourcePanel(QWidget):
    """The source of the draft."""

    chosen = Signal(object)
    """A file was chosen in the dialog: Path."""

    def __init__(self, draft: DraftModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._area = DropArea("clapperboard", "Drop a clip", "3–10 s; longer ones are fitted", self)
        self._area.setObjectName("chooseSource")
        self._area.setAccessibleName("Choose a video")
        self._area.clicked.connect(self.choose)
        self._open = IconButton("folder-open", "Choose another video…", self, token="secondary")
        self._open.clicked.connect(self.choose)
        self.card = SourceCard(draft, self)
        self.card.replace_wanted.connect(self.choose)

        head = QHBoxLayout()
        head.addStrut(theme.px(theme.HEAD))
        head.addWidget(label("Source", "section"))
        head.addStretch()
        head.addWidget(self._open)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addLayout(head)
        column.addWidget(self._area)
        column.addWidget(self.card)
        self.light = DropLight(self)
        draft.source_changed.connect(self._refresh)
        draft.providers_changed.connect(self._refresh)
        self._refresh()

    def set_compact(self, *, compact: bool) -> None:
        """Without the pictures, where there is little room."""
        self.card.set_compact(compact=compact)

    def choose(self) -> None:
        """Ask for a file without stopping the window."""
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self, "Choose a video", "", VIDEO_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._on_file)
        dialog.open()

    def _on_file(self, name: str) -> None:
        self.chosen.emit(Path(name))

    def _refresh(self) -> None:
        source = self._draft.source
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self.isAncestorOf(focus)
        self._area.setVisible(source is None)
        self.card.setVisible(source is not None)
        self._open.setVisible(source is not None)
        self.card.refresh()
        if had_focus and focus is not None and not focus.isVisibleTo(self):
            # What had the keyboard went away; it stays with the source.
            (self._area if source is None else self.card).setFocus(Qt.FocusReason.OtherFocusReason)
