"""The middle of the window while the player is not there: no clip yet, or the player has a window of its own."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.drop import dashed
from klingstudio.ui.widgets.icons import Button, IconLabel
from klingstudio.ui.widgets.labels import label

SAMPLE = "Try the sample clip"
DRAWING = "Drawing the sample clip…"


class EmptyViewer(QWidget):
    """Says what to do first, and does it at one press."""

    sample_wanted = Signal()
    open_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._icon = IconLabel("clapperboard", "viewer_text", theme.BIG_ICON, self)
        title = label("Drop a video here", "viewer-heading", parent=self)
        words = label("It stays on this computer until you press Generate", "viewer-text", parent=self)
        self.sample = Button(SAMPLE, self, kind="primary")
        self.sample.setObjectName("sample")
        self.sample.clicked.connect(self.sample_wanted)
        self.open = Button("Open…", self, kind="viewer")
        self.open.setAccessibleName("Open a video…")
        self.open.clicked.connect(self.open_wanted)
        for one in (title, words):
            one.setAlignment(Qt.AlignmentFlag.AlignCenter)
            one.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(theme.px(10))
        row.addStretch()
        row.addWidget(self.sample)
        row.addWidget(self.open)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(theme.AROUND),) * 4)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addStretch()
        column.addWidget(self._icon, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(title)
        column.addWidget(words)
        column.addSpacing(theme.px(theme.BETWEEN))
        column.addLayout(row)
        column.addStretch()

    def show_drawing(self, is_drawing: bool) -> None:
        """Whether the sample clip is being made."""
        self.sample.setText(DRAWING if is_drawing else SAMPLE)
        self.sample.setEnabled(not is_drawing)

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(t.viewer))
        painter.setPen(dashed(QColor(theme.mix(t.viewer, t.viewer_text, 0.5)), 1.5))
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(area, theme.px(theme.RADIUS), theme.px(theme.RADIUS))
        painter.end()


class AwayViewer(QWidget):
    """Says where the player is, and brings it back."""

    return_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", "viewer")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        words = label("The player is in a window of its own", "viewer-text", wraps=True, parent=self)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.bring_back = Button("Bring it back", self, kind="viewer")
        self.bring_back.clicked.connect(self.return_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(theme.AROUND),) * 4)
        column.setSpacing(theme.px(theme.INSIDE))
        column.addStretch()
        column.addWidget(
            IconLabel("app-window", "viewer_text", theme.BIG_ICON, self), alignment=Qt.AlignmentFlag.AlignHCenter
        )
        column.addWidget(words)
        column.addWidget(self.bring_back, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addStretch()
