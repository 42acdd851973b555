"""The name of an element, changed where it stands."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QSizePolicy, QStackedWidget, QWidget

from klingstudio.domain.element import ELEMENT_NAME_MAX
from klingstudio.ui import theme
from klingstudio.ui.widgets.held import Pull
from klingstudio.ui.widgets.labels import ElidedLabel


class ElementName(QStackedWidget):
    """Shows the name; a double click or `edit` makes it a field. Enter keeps what is written there, Esc does not."""

    renamed = Signal(str)
    clicked = Signal()
    """Once, and not twice in a row: that was the wish to rename."""
    drag_wanted = Signal()
    opened = Signal(bool)
    """Whether it is being written in."""
    left = Signal()
    """Writing has ended; the keyboard goes back to the tile."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_editing = False
        self._label = _Name(self)
        self.field = _Field(self)
        self.field.setMaxLength(ELEMENT_NAME_MAX)
        self.field.setAccessibleName("Name of the element")
        self.addWidget(self._label)
        self.addWidget(self.field)
        self._label.clicked.connect(self.clicked)
        self._label.pulled.connect(self.drag_wanted)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._label.double_clicked.connect(self.edit)
        self.field.finished.connect(self._on_finished)

    @property
    def is_editing(self) -> bool:
        return self._is_editing

    @property
    def face(self) -> QWidget:
        """What shows the name while nobody writes."""
        return self._label

    def show_name(self, name: str) -> None:
        """Another name; what is being written stays."""
        self._label.setText(name)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As wide as the name, so that what follows stands beside it; writing needs more."""
        wide = self._label.fontMetrics().horizontalAdvance(self._label.text()) + 2
        return QSize(theme.px(1000) if self.is_editing else wide, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(theme.AROUND), super().minimumSizeHint().height())

    def edit(self) -> None:
        """Let the person write."""
        self._is_editing = True
        self.field.setText(self._label.text())
        self.setCurrentWidget(self.field)
        self.updateGeometry()
        self.opened.emit(True)
        self.field.selectAll()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_finished(self, keeps: bool, goes_back: bool) -> None:
        if not self._is_editing:
            return
        # First, for the field that goes away loses the keyboard, which would end the writing once more.
        self._is_editing = False
        self.setCurrentWidget(self._label)
        self.updateGeometry()
        self.opened.emit(False)
        name = " ".join(self.field.text().split())
        if keeps and name and name != self._label.text():
            self.renamed.emit(name)
        if goes_back:
            self.left.emit()


class _Name(ElidedLabel):
    clicked = Signal()
    double_clicked = Signal()
    pulled = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(role="strong", parent=parent)
        self._pull = Pull()
        self._once = QTimer(self)
        self._once.setSingleShot(True)
        self._once.timeout.connect(self.clicked)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pull.press(event)
        event.setAccepted(self._pull.may_be_click)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pull.is_begun_by(event):
            self.pulled.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        was_pressed = self._pull.may_be_click
        self._pull.end()
        if was_pressed and self.rect().contains(event.position().toPoint()):
            self._once.start(QApplication.doubleClickInterval())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._once.stop()
            self.double_clicked.emit()


class _Field(QLineEdit):
    finished = Signal(bool, bool)
    """Whether what is written is kept, and whether the keyboard goes back to the tile."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "in-place")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.finished.emit(True, True)
            case Qt.Key.Key_Escape:
                self.finished.emit(False, True)
            case _:
                super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        # The menu of the field itself takes the keyboard for a moment only.
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.finished.emit(True, False)
