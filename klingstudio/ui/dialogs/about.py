"""Name, version, licences."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from klingstudio import __version__
from klingstudio.ui import theme
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.widgets.icons import Button, pixmap
from klingstudio.ui.widgets.labels import label


class AboutDialog(QDialog):
    """A small page."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Kling Studio")
        self.setModal(False)
        mark = QLabel(self)
        side = theme.px(64)
        mark.setPixmap(pixmap("app", "", side, self.devicePixelRatioF()))
        done = Button("Done", self)
        done.clicked.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(24),) * 4)
        column.setSpacing(theme.px(theme.BETWEEN))
        for widget in (
            mark,
            label("Kling Studio", "heading"),
            label(f"Version {__version__}", "secondary"),
            label("Free software under the GNU GPL, version 3 or later.", "secondary"),
            label("Icons: Lucide, ISC licence.", "secondary"),
        ):
            column.addWidget(widget, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(theme.px(theme.BETWEEN))
        column.addWidget(done, alignment=Qt.AlignmentFlag.AlignHCenter)
        FocusRing(self)
