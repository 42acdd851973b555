"""One end of the used part, for keyboard and screen reader."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QSlider, QWidget

from klingstudio.ui.widgets.moments import timecode

FAR = 10
"""Frames, with Shift."""


class TrimHandle(QSlider):
    """A slider over the places where the clip can be cut. The strip paints it and takes the mouse."""

    moved = Signal(int, bool)
    """Frames to go, and whether the whole part goes with it."""
    sent = Signal(int)
    """To the place with this number."""

    def __init__(self, name: str, strip: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, strip)
        self._name = name
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # The frame of the part has the colour that a ring has elsewhere.
        self.setProperty("ring", "neutral")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setPageStep(FAR)
        self.actionTriggered.connect(self._on_action)

    def show_place(self, number: int, last: int, frame: int, time_s: float) -> None:
        """Where it is: the number of its place, and the frame and time that a person knows it by."""
        self.setRange(0, last)
        self.setValue(number)
        self.setAccessibleName(f"{self._name} {timecode(time_s)}, frame {frame}")
        self.setAccessibleDescription("Arrow keys go one frame, with Shift ten, with Alt the whole part moves")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = event.modifiers()
        far = FAR if keys & Qt.KeyboardModifier.ShiftModifier else 1
        slides = bool(keys & Qt.KeyboardModifier.AltModifier)
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Down:
                self.moved.emit(-far, slides)
            case Qt.Key.Key_Right | Qt.Key.Key_Up:
                self.moved.emit(far, slides)
            case Qt.Key.Key_PageDown:
                self.moved.emit(-FAR, False)
            case Qt.Key.Key_PageUp:
                self.moved.emit(FAR, False)
            case Qt.Key.Key_Home:
                self.sent.emit(0)
            case Qt.Key.Key_End:
                self.sent.emit(self.maximum())
            case _:
                event.ignore()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The strip paints it."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def _on_action(self, action: int) -> None:
        # Assistive technology comes this way; `setValue` and the keys do not.
        if action != QAbstractSlider.SliderAction.SliderNoAction.value:
            self.sent.emit(self.sliderPosition())
