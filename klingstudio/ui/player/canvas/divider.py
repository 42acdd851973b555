"""The knob in the middle of the wipe's divider: what the keyboard and a screen reader move it by."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSlider, QWidget

from klingstudio.ui import theme

_PERCENT = 100
_PAGE = 10
_KEYS = {
    Qt.Key.Key_Left: QSlider.SliderAction.SliderSingleStepSub,
    Qt.Key.Key_Up: QSlider.SliderAction.SliderSingleStepSub,
    Qt.Key.Key_Right: QSlider.SliderAction.SliderSingleStepAdd,
    Qt.Key.Key_Down: QSlider.SliderAction.SliderSingleStepAdd,
    Qt.Key.Key_PageUp: QSlider.SliderAction.SliderPageStepSub,
    Qt.Key.Key_PageDown: QSlider.SliderAction.SliderPageStepAdd,
    Qt.Key.Key_Home: QSlider.SliderAction.SliderToMinimum,
    Qt.Key.Key_End: QSlider.SliderAction.SliderToMaximum,
}
"""Every key goes the way it points, whichever way the divider lies."""

_GROUND_OPACITY = 0.6
_QUARTER = 90


class Divider(QSlider):
    """Stands at a whole percent. The mouse goes through it to the picture, which drags the whole line."""

    moved = Signal(float)  # 0 to 1, by keys or a screen reader

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setObjectName("divider")
        self.setAccessibleName(self.tr("Divider, percent of the picture"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setRange(0, _PERCENT)
        self.setPageStep(_PAGE)
        self.resize(self.sizeHint())
        self.hide()
        self.valueChanged.connect(self._on_value)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(theme.KNOB), theme.px(theme.KNOB))

    def show_place(self, share: float, *, lies_across: bool) -> None:
        """Say where the divider is, 0 to 1."""
        with QSignalBlocker(self):
            self.setOrientation(Qt.Orientation.Vertical if lies_across else Qt.Orientation.Horizontal)
            self.setValue(round(share * _PERCENT))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        action = _KEYS.get(Qt.Key(event.key())) if not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier else None
        if action is None:
            event.ignore()
        else:
            self.triggerAction(action)

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        is_upright = self.orientation() == Qt.Orientation.Vertical
        painter.drawPixmap(0, 0, _knob(self.width(), t.viewer, t.viewer_text, self.devicePixelRatioF(), is_upright))
        painter.end()

    def _on_value(self, percent: int) -> None:
        self.moved.emit(percent / _PERCENT)


@lru_cache(maxsize=8)
def _knob(side: int, dark: str, bright: str, ratio: float, is_upright: bool) -> QPixmap:
    """Kept, because a round edge takes as long as the pictures around it."""
    knob = QPixmap(round(side * ratio), round(side * ratio))
    knob.setDevicePixelRatio(ratio)
    knob.fill(Qt.GlobalColor.transparent)
    painter = QPainter(knob)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ground, ring = QColor(dark), theme.px(theme.RING)
    ground.setAlphaF(_GROUND_OPACITY)
    painter.setPen(QPen(QColor(bright), ring))
    painter.setBrush(ground)
    painter.drawEllipse(QRectF(ring, ring, side - 2 * ring, side - 2 * ring))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(bright))
    painter.translate(side / 2, side / 2)
    painter.rotate(_QUARTER if is_upright else 0)
    near, tip, high = theme.px(theme.GAP - 1), theme.px(theme.BETWEEN), theme.px(theme.GAP)
    for way in (-1, 1):
        arrow = [QPointF(way * tip, 0), QPointF(way * near, -high), QPointF(way * near, high)]
        painter.drawPolygon(QPolygonF.fromList(arrow))
    painter.end()
    return knob
