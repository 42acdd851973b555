"""The strip of pictures on which the used part of the source is chosen: drag an edge, drag the part, or use keys."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from enum import Enum, auto
from functools import partial
from math import inf

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from klingstudio.domain.fit import place, slid, with_end, with_start
from klingstudio.domain.media import Limits, Trim
from klingstudio.ui import theme
from klingstudio.ui.source.handle import FAR, TrimHandle
from klingstudio.ui.source.looks import clip_to_card, paint_part, paint_pictures, paint_words
from klingstudio.ui.source.ruler import Ruler
from klingstudio.ui.widgets.picture import picture_from

_NOTCH = 120
"""What a wheel reports for one step."""


class Hold(Enum):
    """What is taken hold of."""

    START = auto()
    END = auto()
    PART = auto()
    """The whole part, to be slid."""
    PLACE = auto()
    """A place outside the part, only to be looked at."""


class TrimStrip(QWidget):
    """Shows a clip in small pictures and the part of it that is used.

    It changes nothing: it says what the person wants and is told what is. While it is held it shows what is being
    dragged, on whole frames and as long as the provider takes.
    """

    dragged = Signal(object)
    """The Trim that letting go would choose; None: it was let go, or given back, and all is as it was."""
    chosen = Signal(object, bool)
    """A Trim, and whether it belongs to the key presses just before."""
    looked_at = Signal(float)
    """Seconds: the start of the frame that the person is at while dragging."""
    rested = Signal(float)
    """The same, where it was let go or went by key; `chosen` follows where that changes anything."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trim")
        self.setAccessibleName("Part of the clip that is used")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(theme.px(theme.TRIM_HEIGHT))
        self.setMouseTracking(True)
        self._data: Sequence[bytes] = ()
        self._pictures: list[QPixmap] = []
        self._times: Sequence[float] = ()
        self._limits: Limits | None = None
        self._part = Trim(start_s=0.0, end_s=0.0)
        self._words = ""
        self._hold: Hold | None = None
        self._held_at = 0.0
        self._held_part = self._part
        self._moved = False
        self._left: float | None = None
        """Where the part of a long clip begins, after its edge was dragged there."""
        self._held_ruler = self.ruler
        self.start = TrimHandle("In", self)
        self.end = TrimHandle("Out", self)
        for handle, hold in ((self.start, Hold.START), (self.end, Hold.END)):
            handle.moved.connect(partial(self._on_key, hold))
            handle.sent.connect(partial(self._on_sent, hold))
        self._refresh()

    # what is shown

    @property
    def part(self) -> Trim:
        """What is shown as used, a drag that goes on included."""
        return self._part

    @property
    def is_held(self) -> bool:
        return self._hold is not None

    @property
    def can_trim(self) -> bool:
        """False while the frames or the limits are not known, and for a clip that is too short to be cut."""
        return (
            self._limits is not None
            and len(self._times) > 2
            and self._times[-1] > self._limits.clip_min_s
            and not self._words
        )

    @property
    def words(self) -> str:
        """What is said in place of the pictures; empty where they are shown."""
        return self._words

    def show_clip(self, times: Sequence[float], pictures: Sequence[bytes], words: str = "") -> None:
        """Another clip, or more of it.

        Args:
            times: where it can be cut, the end of its last frame included; empty while that is not known.
            pictures: spread evenly over the clip, as PNG or JPEG.
            words: said in their place, where there are none.
        """
        if times is not self._times:
            self.give_back()
            self._left = None
        if pictures != self._data:
            self._pictures = [made for data in pictures if (made := picture_from(data)) is not None]
        self._data, self._times, self._words = pictures, times, words
        self._refresh()

    def show_part(self, start_s: float, end_s: float, limits: Limits | None) -> None:
        """What is used now, and how long it may be. A drag that goes on is not disturbed."""
        part = Trim(start_s=start_s, end_s=end_s)
        if limits != self._limits:
            self._limits = limits
            self.give_back()
        if self._hold is not None or part == self._part:
            self._refresh()
            return
        if part.start_s != self._part.start_s and part.end_s != self._part.end_s:
            self._left = None
        self._part = part
        self._refresh()

    @property
    def ruler(self) -> Ruler:
        """Where each moment lies."""
        length_s = self._times[-1] if self._times else max(self._part.end_s, 1e-3)
        return Ruler.laid(
            length_s,
            self.width(),
            self._part.start_s,
            self._part.end_s,
            most_s=self._limits.clip_max_s if self._limits is not None else inf,
            least_px=theme.px(theme.TRIM_PART_LEAST),
            left=self._left,
        )

    def sizeHint(self) -> QSize:
        return QSize(theme.px(theme.TRIM_PART_LEAST), theme.px(theme.TRIM_HEIGHT))

    # by hand

    def hold_at(self, x: float) -> Hold:
        """What a press there takes hold of."""
        ruler, grab = self.ruler, theme.px(theme.TRIM_GRAB)
        # A third of a narrow part is left to be slid.
        inside = min(grab, (ruler.right - ruler.left) / 3)
        near_start = ruler.left - grab <= x <= ruler.left + inside
        near_end = ruler.right - inside <= x <= ruler.right + grab
        if near_start and (not near_end or abs(x - ruler.left) <= abs(x - ruler.right)):
            return Hold.START
        if near_end:
            return Hold.END
        is_whole = self._part.start_s <= 0 and bool(self._times) and self._part.end_s >= self._times[-1]
        return Hold.PART if ruler.left < x < ruler.right and not is_whole else Hold.PLACE

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self.can_trim:
            event.ignore()
            return
        x = event.position().x()
        self._hold, self._held_at, self._held_part = self.hold_at(x), x, self._part
        self._held_ruler, self._moved = self.ruler, False
        (self.end if self._hold is Hold.END else self.start).setFocus(Qt.FocusReason.MouseFocusReason)
        self._show_cursor(x)
        if self._hold in (Hold.START, Hold.END):
            self.looked_at.emit(self._looked_at(x))
        else:
            self.looked_at.emit(self._frame_at(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._hold is None:
            self._show_cursor(x)
            return
        if self._hold is Hold.PLACE:
            self.looked_at.emit(self._frame_at(x))
        elif self._moved or x != self._held_at:
            self._moved = True
            self._drag_to(x)
            self.looked_at.emit(self._looked_at(x))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._hold is None:
            return
        x = event.position().x()
        at_s = self._frame_at(x) if not self._moved and self._hold is Hold.PART else self._looked_at(x)
        was, part = self._held_part, self._part
        self._let_go()
        self.rested.emit(at_s)
        if part != was:
            self.chosen.emit(part, False)
        else:
            self.dragged.emit(None)
        self._show_cursor(x)

    def give_back(self) -> None:
        """Forget a drag that goes on."""
        if self._hold is not None:
            self._part = self._held_part
            self._left = None
            self._let_go()
            self._refresh()
            self.dragged.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # What the handles have no use for comes here. Where nothing is held Escape means something else further up.
        if event.key() == Qt.Key.Key_Escape and self._hold is not None:
            self.give_back()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        # Only for whoever works here: scrolling past must not change anything.
        notches = event.angleDelta().y() or event.angleDelta().x()
        if not (self.start.hasFocus() or self.end.hasFocus()) or self._hold is not None or not notches:
            event.ignore()
            return
        far = FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        hold = self.hold_at(event.position().x())
        by = far * (-1 if notches < 0 else 1) * max(1, abs(notches) // _NOTCH)
        if hold in (Hold.START, Hold.END):
            self._on_key(hold, by, slides=False)
        else:
            self._on_key(Hold.START, by, slides=True)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.unsetCursor()

    def _let_go(self) -> None:
        self._hold = None
        self.update()

    def _drag_to(self, x: float) -> None:
        ruler, was, by_px = self._held_ruler, self._held_part, x - self._held_at
        match self._hold:
            case Hold.START:
                self._move(Hold.START, was.start_s + by_px / ruler.scale, was, ruler)
            case Hold.END:
                self._move(Hold.END, was.end_s + by_px / ruler.scale, was, ruler)
            case _:
                self._move(Hold.PART, by_px / ruler.slide_scale, was, ruler)
        self.dragged.emit(self._part)

    def _move(self, what: Hold, value_s: float, was: Trim, ruler: Ruler) -> None:
        limits = self._limits
        if limits is None:
            return
        match what:
            case Hold.START:
                self._part = with_start(was, value_s, self._times, limits)
                # The other edge stays where it is, also under a lens.
                self._left = ruler.right - (self._part.end_s - self._part.start_s) * ruler.scale
            case Hold.END:
                self._part = with_end(was, value_s, self._times, limits)
                self._left = ruler.left
            case _:
                self._part = slid(was, value_s, self._times, limits)
                self._left = None
        self._refresh()

    def _looked_at(self, x: float) -> float:
        """The frame that a drag is about: the first one of the part, or the last."""
        if self._hold is Hold.PLACE:
            return self._frame_at(x)
        return self._last_frame() if self._hold is Hold.END else self._part.start_s

    def _last_frame(self) -> float:
        return place(self._times, self._part.end_s, -1)

    def _frame_at(self, x: float) -> float:
        at = bisect_left(self._times, self.ruler.time_at(x) + 1e-9) - 1
        return self._times[min(max(at, 0), len(self._times) - 2)]

    # by key

    def _on_key(self, hold: Hold, frames: int, slides: bool) -> None:
        if not self.can_trim:
            return
        if slides:
            start_s = self._part.start_s
            self._choose(Hold.PART, place(self._times, start_s, frames) - start_s, looks_at=hold)
        else:
            from_s = self._part.start_s if hold is Hold.START else self._part.end_s
            self._choose(hold, place(self._times, from_s, frames), looks_at=hold)

    def _on_sent(self, hold: Hold, number: int) -> None:
        if self.can_trim:
            self._choose(hold, self._times[min(max(number, 0), len(self._times) - 1)], looks_at=hold)

    def _choose(self, what: Hold, value_s: float, *, looks_at: Hold) -> None:
        """`value_s`: where an edge is to be, or how far the part is to be slid."""
        if self._hold is not None:
            return
        was = self._part
        self._move(what, value_s, was, self.ruler)
        if self._part != was:
            self.rested.emit(self._last_frame() if looks_at is Hold.END else self._part.start_s)
            self.chosen.emit(self._part, True)

    # how it looks

    def _refresh(self) -> None:
        can = self.can_trim
        last = max(len(self._times) - 1, 1)
        for handle, time_s, is_end in ((self.start, self._part.start_s, False), (self.end, self._part.end_s, True)):
            number = bisect_left(self._times, time_s - 1e-6) if self._times else 0
            # A frame's number as the player counts them; the end lies behind its last frame.
            handle.show_place(number, last, max(number + (0 if is_end else 1), 1), time_s)
            handle.setEnabled(can)
        self.setToolTip("" if not can else "Drag an edge, or slide the part.\nKeys: arrows, Shift for ten frames")
        self._place_handles()
        self.update()

    def _place_handles(self) -> None:
        ruler, wide = self.ruler, theme.px(theme.TRIM_GRAB)
        for handle, x in ((self.start, ruler.left), (self.end, ruler.right)):
            left = min(max(round(x - wide / 2), 0), max(self.width() - wide, 0))
            handle.setGeometry(left, 0, wide, self.height())

    def _show_cursor(self, x: float) -> None:
        if not self.can_trim:
            self.unsetCursor()
            return
        match self._hold or self.hold_at(x):
            case Hold.START | Hold.END:
                self.setCursor(Qt.CursorShape.SizeHorCursor)
            case Hold.PART:
                held = Qt.CursorShape.ClosedHandCursor if self._hold else Qt.CursorShape.OpenHandCursor
                self.setCursor(held)
            case _:
                self.unsetCursor()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._left = None
        self._place_handles()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        t, area = theme.tokens(self.palette()), QRectF(self.rect())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        clip_to_card(painter, area)
        painter.fillRect(area, QColor(theme.mix(t.raised, t.text, 0.07)))
        if self._words:
            paint_words(painter, t, area, self._words)
        else:
            paint_pictures(painter, area, self.ruler, self._pictures, self.devicePixelRatioF())
            if self.can_trim:
                paint_part(painter, t, area, self.ruler)
        painter.end()
