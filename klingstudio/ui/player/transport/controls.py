"""The controls that the rows of the player are made of. A click leaves the keyboard to the picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSizePolicy, QSlider, QToolButton, QWidget

from klingstudio.ui import theme
from klingstudio.ui.widgets.icons import IconButton, pixmap
from klingstudio.ui.widgets.labels import set_role


class PlayerButton(IconButton):
    """Reached with Tab. A click does not take the keyboard, so that Space plays and does not press it again."""

    touched = Signal()

    def __init__(self, icon_name: str, name: str, object_name: str, parent: QWidget, *, token: str = "text") -> None:
        super().__init__(icon_name, name, parent, token=token)
        self.setObjectName(object_name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.touched.emit()
        super().mousePressEvent(event)

    def obey(self, action: QAction) -> None:
        """Do what the action does, and look as it says."""
        _follow(self, action)

    def drop_down(self, menu: QMenu) -> None:
        """Open this menu."""
        self.setMenu(menu)


class PlayButton(PlayerButton):
    """The largest control of the row, on a round ground."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("play", self.tr("Play (Space)"), "play", parent)
        self.setFixedSize(theme.px(theme.CONTROL), theme.px(theme.CONTROL))

    def paintEvent(self, _event: QPaintEvent) -> None:
        # Its own palette has no ground: the stylesheet makes buttons transparent.
        t = theme.tokens((self.parentWidget() or self).palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        ground = t.raised if not self.underMouse() else theme.mix(t.raised, t.text, 0.06)
        painter.setBrush(QColor(ground))
        painter.drawEllipse(QRectF(self.rect()))
        side = self.iconSize()
        mode = self.icon().Mode.Normal if self.isEnabled() else self.icon().Mode.Disabled
        self.icon().paint(
            painter,
            (self.width() - side.width()) // 2,
            (self.height() - side.height()) // 2,
            side.width(),
            side.height(),
            Qt.AlignmentFlag.AlignCenter,
            mode,
        )
        painter.end()


class WordButton(QToolButton):
    """A quiet button of words or figures."""

    touched = Signal()

    def __init__(self, object_name: str, parent: QWidget, *, kind: str = "words") -> None:
        super().__init__(parent)
        self.setObjectName(object_name)
        self.setProperty("kind", kind)
        self.setFont(theme.tabular(self.font()))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def say(self, words: str, name: str) -> None:
        """What it shows, and what it is called."""
        if words != self.text():
            self.setText(words)
        if name != self.accessibleName():
            self.setToolTip(name)
            self.setAccessibleName(name)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.touched.emit()
        super().mousePressEvent(event)


@dataclass(frozen=True, slots=True)
class Choice:
    """One part of a segment."""

    action: QAction
    words: str
    icon_name: str = ""
    """Empty: it is always its words."""


class Segment(QFrame):
    """One of several, side by side on a common ground."""

    touched = Signal()

    def __init__(self, choices: Iterable[Choice], name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "segment")
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._parts: list[_Part] = []
        for choice in choices:
            part = _Part(choice, self)
            part.touched.connect(self.touched)
            row.addWidget(part)
            self._parts.append(part)

    @property
    def has_icons(self) -> bool:
        """True: it is still understood without its words."""
        return any(part.has_icon for part in self._parts)

    def show_words(self, has_words: bool) -> None:
        """Words, or icons only where there are icons."""
        for part in self._parts:
            part.show_words(has_words)
        # The row must know at once, not when the news of the parts has come up through two layouts.
        self.setFixedWidth(self.width_with(words=has_words))

    def width_with(self, *, words: bool) -> int:
        """How wide it is that way."""
        return sum(part.width_with(words=words) for part in self._parts)


class _Part(QToolButton):
    """Ground as the stylesheet says; icon and words painted here, close together and in the middle."""

    touched = Signal()

    def __init__(self, choice: Choice, parent: QWidget) -> None:
        super().__init__(parent)
        self._choice = choice
        self._has_words = True
        self.setObjectName(choice.action.objectName())
        self.setAccessibleName(choice.words)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        _follow(self, choice.action)

    @property
    def has_icon(self) -> bool:
        return bool(self._choice.icon_name)

    def show_words(self, has_words: bool) -> None:
        if has_words != self._has_words:
            self._has_words = has_words
            self.updateGeometry()
            self.update()

    def width_with(self, *, words: bool) -> int:
        parts = []
        if self._choice.icon_name:
            parts.append(theme.px(theme.ICON))
        if words or not self._choice.icon_name:
            parts.append(self.fontMetrics().horizontalAdvance(self._choice.words))
        return sum(parts) + theme.px(theme.GAP + theme.RING) * (len(parts) - 1) + 2 * self._inset(words=words)

    def sizeHint(self) -> QSize:
        return QSize(self.width_with(words=self._has_words), theme.px(theme.CONTROL - theme.RING))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _inset(self, *, words: bool) -> int:
        return theme.px(theme.INSIDE if words else theme.BETWEEN)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.touched.emit()
        super().mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        t = theme.tokens(self.palette())
        ink = t.text if self.isChecked() or self.underMouse() else t.secondary
        if not self.isEnabled():
            ink = theme.mix(t.raised, t.text, theme.DISABLED)
        painter = QPainter(self)
        left = float(self._inset(words=self._has_words))
        if self._choice.icon_name:
            side = theme.px(theme.ICON)
            picture = pixmap(self._choice.icon_name, ink, side, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(left, (self.height() - side) / 2), picture)
            left += side + theme.px(theme.GAP + theme.RING)
        if self._has_words or not self._choice.icon_name:
            painter.setPen(QColor(ink))
            area = QRectF(left, 0, self.width() - left, self.height())
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._choice.words)
        painter.end()


class Level(QSlider):
    """How strong something is, in parts of a hundred."""

    wished = Signal(int)

    def __init__(self, name: str, object_name: str, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setObjectName(object_name)
        self.setAccessibleName(name)
        self.setToolTip(name)
        set_role(self, "kind", "level")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedWidth(theme.px(theme.LEVEL))
        self.setRange(0, 100)
        self.setPageStep(10)
        self.setSingleStep(5)
        self.valueChanged.connect(self.wished)

    def show_level(self, value: int) -> None:
        """Stand where it is, without wishing it."""
        self.blockSignals(True)
        self.setValue(value)
        self.blockSignals(False)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        # Scrolling past must not change anything.
        event.ignore()


def _follow(button: QToolButton, action: QAction) -> None:
    button.setCheckable(action.isCheckable())
    button.setToolTip(action.toolTip())
    button.clicked.connect(partial(_press, button, action))
    action.changed.connect(partial(_show, button, action))
    action.toggled.connect(partial(_tick, button))
    _show(button, action)


def _press(button: QToolButton, action: QAction, _on: bool = False) -> None:
    action.trigger()
    _show(button, action)


def _show(button: QToolButton, action: QAction) -> None:
    button.setEnabled(action.isEnabled())
    _tick(button, action.isChecked())


def _tick(button: QToolButton, is_on: bool) -> None:
    button.setChecked(is_on)
