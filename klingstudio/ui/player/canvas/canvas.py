"""The pictures, painted at device pixels as the comparison says and as closely as the zoom says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from klingstudio.media.decode_pixels import Picture
from klingstudio.ui import theme
from klingstudio.ui.player.canvas import captions, zoom
from klingstudio.ui.player.canvas.arrangement import Arrangement
from klingstudio.ui.player.canvas.divider import Divider
from klingstudio.ui.player.canvas.scene import Greys, Scene, picture_size
from klingstudio.ui.player.canvas.tags import PlacedTag, Tag, paint_tag, placed, tag_font
from klingstudio.ui.player.canvas.zoom import Zoom
from klingstudio.ui.player.comparison import Comparison
from klingstudio.ui.player.playback.pair import Pair, Side

if TYPE_CHECKING:
    from klingstudio.media.changes import Heat

_SETTLE_MS = 60
"""While a window edge is dragged or the wheel turns, pictures are stretched; they are decoded anew when it rests."""


class PairCanvas(QWidget):
    """Shows the pair it was given last. Says how large one picture is on screen; decodes nothing."""

    box_changed = Signal(int, int)  # width, height in device pixels
    comparison_changed = Signal(object)  # Comparison
    zoom_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewer")
        self.setAccessibleName(self.tr("Viewer"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        # A click on the picture takes the keys away from a text field.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        # A colour around a picture biases the eye that judges its colours.
        self.setProperty("ring", "neutral")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(theme.px(theme.CONTROL * 4), theme.px(theme.CONTROL * 2))
        self._pair: Pair | None = None
        self._heat: Heat | None = None
        self._comparison = Comparison()
        self._zoom = zoom.FIT
        self._is_paired = False
        self._is_choosable = False
        self._names = {Side.BEFORE: "", Side.AFTER: ""}
        self._sizes: dict[Side, QSize] = {}
        self._greys = Greys()
        self._message = ""
        self._covered = (0, 0)
        self._box = (0, 0)
        self._hovered: Side | None = None
        self._divider = Divider(self)
        self._divider.moved.connect(self._move_divider)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._tell_box)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(640), theme.px(360))

    # What is shown

    def set_paired(self, is_paired: bool) -> None:
        """Make room for two pictures, or for one."""
        if is_paired != self._is_paired:
            self._is_paired = is_paired
            self._rearrange()

    def set_names(self, before: str, after: str) -> None:
        """What the sides are called beside Before and After, for example `v03`."""
        self._names = {Side.BEFORE: before, Side.AFTER: after}
        self._describe()
        self.update()

    def set_source_sizes(self, before: tuple[int, int] | None, after: tuple[int, int] | None) -> None:
        """The clips' own upright sizes: what zoom is measured in. Where unknown, the decoded size counts."""
        sizes = {side: QSize(*size) for side, size in ((Side.BEFORE, before), (Side.AFTER, after)) if size is not None}
        if sizes != self._sizes:
            self._sizes = sizes
            self._rearrange()

    def set_choosable(self, is_choosable: bool) -> None:
        """Show at the names that pressing them offers a choice."""
        self._is_choosable = is_choosable
        self.update()

    def set_covered(self, above: int, below: int) -> None:
        """How much of the upper and the lower edge lies under something: names keep clear of it."""
        if (above, below) != self._covered:
            self._covered = (above, below)
            self.update()

    def show_pair(self, pair: Pair | None) -> None:
        """Paint these pictures from now on. None: an empty viewer."""
        self._pair = pair
        if pair is None:
            self._greys.clear()
        else:
            self._message = ""
        self._place_divider()
        self.update()

    def show_message(self, message: str) -> None:
        """Say something in the empty viewer."""
        self._message = message
        self.update()

    def set_heat(self, heat: Heat | None) -> None:
        """Where the two pictures differ, for the pair that is shown."""
        if heat is not self._heat:
            self._heat = heat
            self.update()

    @property
    def comparison(self) -> Comparison:
        return self._comparison

    def set_comparison(self, comparison: Comparison) -> None:
        """Lay the two against each other in this way."""
        if comparison == self._comparison:
            return
        self._comparison = comparison
        self._rearrange()
        self.comparison_changed.emit(comparison)

    def _rearrange(self) -> None:
        self._zoom = self._arrangement().held()
        self._describe()
        self._place_divider()
        self._tell_box()
        self.update()

    def _describe(self) -> None:
        self.setAccessibleDescription(captions.sentence(self._comparison, self._names) if self._is_paired else "")

    # Zoom

    @property
    def zoom(self) -> float | None:
        """Device pixels for each pixel of the clip; None: as large as fits."""
        return self._zoom.scale

    @property
    def scale(self) -> float:
        """The same also where it fits: what is on screen now."""
        return self._arrangement().scale

    def zoom_to(self, scale: float, at: QPointF | None = None) -> None:
        """Look at this scale. What is at the point `at` of this widget stays there; without one, the middle does."""
        self._set_zoom(self._arrangement().zoomed(scale, None if at is None else at * self.devicePixelRatioF()))

    def zoom_in(self) -> None:
        """One stop closer."""
        here = self._arrangement()
        self.zoom_to(zoom.next_in(here.scale, here.fit_scale))

    def zoom_out(self) -> None:
        """One stop away."""
        here = self._arrangement()
        self.zoom_to(zoom.next_out(here.scale, here.fit_scale))

    def fit(self) -> None:
        """See the whole picture."""
        self._set_zoom(zoom.FIT)

    def actual_size(self) -> None:
        """One pixel of the screen for each pixel of the clip."""
        self.zoom_to(1.0)

    def pan(self, dx: float, dy: float) -> None:
        """Push both pictures by so many pixels of this widget."""
        ratio = self.devicePixelRatioF()
        self._set_zoom(self._arrangement().panned(dx * ratio, dy * ratio))

    def _set_zoom(self, wanted: Zoom) -> None:
        if wanted == self._zoom:
            return
        was, self._zoom = self._zoom, wanted
        self._place_divider()
        self.update()
        if wanted.scale != was.scale:
            self._settle.start()
            self.zoom_changed.emit()

    # Places

    @property
    def box(self) -> tuple[int, int]:
        """The size one picture is needed in: width and height in device pixels."""
        return self._arrangement().box

    def _tell_box(self) -> None:
        self._settle.stop()
        if self.box != self._box:
            self._box = self.box
            self.box_changed.emit(*self._box)

    def _arrangement(self) -> Arrangement:
        ratio = self.devicePixelRatioF()
        return Arrangement(
            room=QSize(round(self.width() * ratio), round(self.height() * ratio)),
            gap=round(theme.px(theme.GAP) * ratio),
            comparison=self._comparison,
            is_paired=self._is_paired,
            zoom=self._zoom,
            sizes={side: picture_size(picture) for side, picture in self._pictures().items()} | self._sizes,
        )

    def _pictures(self) -> dict[Side, Picture]:
        if self._pair is None:
            return {}
        both = {Side.BEFORE: self._pair.before, Side.AFTER: self._pair.after}
        return {side: picture for side, picture in both.items() if picture is not None}

    def _scene(self) -> Scene:
        return Scene(here=self._arrangement(), pictures=self._pictures(), heat=self._heat, greys=self._greys)

    def _in_device(self, point: QPointF) -> QPoint:
        return (point * self.devicePixelRatioF()).toPoint()

    def _in_widget(self, area: QRect) -> QRect:
        ratio = self.devicePixelRatioF()
        return QRectF(area.x() / ratio, area.y() / ratio, area.width() / ratio, area.height() / ratio).toAlignedRect()

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        if self._pair is None:
            painter.fillRect(self.rect(), QColor(t.viewer))
        else:
            self._paint_pictures(painter)
            self._paint_tags(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.window().isFullScreen():
            self._paint_corners(painter)
        if self._pair is None and self._message:
            painter.setPen(QColor(t.viewer_text))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            inside = theme.px(theme.AROUND)
            painter.drawText(self.rect().adjusted(inside, inside, -inside, -inside), flags, self._message)
        painter.end()

    def _paint_pictures(self, painter: QPainter) -> None:
        ratio = self.devicePixelRatioF()
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        ground = QColor(theme.tokens(self.palette()).viewer)
        self._scene().paint(painter, ground=ground, line=max(1, round(theme.RING * ratio)))
        painter.restore()

    def _paint_corners(self, painter: QPainter) -> None:
        outside = QPainterPath()
        outside.addRect(QRectF(self.rect()))
        radius = theme.px(theme.RADIUS)
        outside.addRoundedRect(QRectF(self.rect()), radius, radius)
        painter.fillPath(outside, QColor(theme.tokens(self.palette()).window))

    # Names

    def _paint_tags(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(tag_font(self.font()))
        for one in self._tags():
            is_hovered = self._hovered is not None and one.tag.side is self._hovered
            paint_tag(painter, one, self.palette(), is_hovered=is_hovered)

    def _tags(self) -> list[PlacedTag]:
        scene = self._scene()
        here = scene.here
        areas = {side: self._in_widget(here.seen(side)) for side in Side}
        if scene.has_divider:
            parts = zip(captions.in_order(self._comparison), here.parts(), strict=True)
            areas = {side: self._in_widget(part) for side, part in parts}
        above, below = self._covered
        open_to_view = self.rect().adjusted(0, above, 0, -below)
        areas = {side: area.intersected(open_to_view) for side, area in areas.items()}
        if scene.has_both:
            wanted = captions.tags(
                self._comparison,
                self._names,
                areas,
                has_heat=self._heat is not None,
                has_arrow=self._is_choosable,
            )
            return placed(wanted, self.font())
        # Before alone has nothing to be told apart from.
        lonely = [side for side in scene.pictures if side is Side.AFTER or self._is_choosable]
        return placed((self._lonely_tag(side, areas[side]) for side in lonely), self.font())

    def _lonely_tag(self, side: Side, area: QRect) -> Tag:
        corner = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        name = captions.name_of(side, self._names)
        return Tag(words=name, side=side, area=area, corner=corner, has_arrow=self._is_choosable)

    def _name_at(self, point: QPointF) -> PlacedTag | None:
        """The name of a side that is there and may be pressed."""
        if self._pair is None or not self._is_choosable:
            return None
        at = point.toPoint()
        return next((one for one in self._tags() if one.tag.side and one.place.contains(at)), None)

    def _hover(self, side: Side | None) -> None:
        if side is not self._hovered:
            self._hovered = side
            self.update()

    # The divider

    def _has_divider(self) -> bool:
        return self._scene().has_divider

    def _place_divider(self) -> None:
        if self._has_divider():
            self._divider.show_place(self._comparison.wipe, lies_across=self._comparison.wipes_across)
            middle = (QPointF(self._arrangement().line()) / self.devicePixelRatioF()).toPoint()
            self._divider.move(middle - QPoint(self._divider.width() // 2, self._divider.height() // 2))
        self._divider.setVisible(self._has_divider())

    def _is_near_line(self, point: QPointF) -> bool:
        reach = round(theme.px(theme.INSIDE) * self.devicePixelRatioF())
        return self._has_divider() and self._arrangement().is_near_line(self._in_device(point), reach)

    def _move_divider(self, share: float) -> None:
        self.set_comparison(replace(self._comparison, wipe=share))

    # Size

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._zoom = self._arrangement().held()
        self._place_divider()
        if self._box == (0, 0) or self._pair is None:
            self._tell_box()
        else:
            self._settle.start()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._place_divider()
            self._settle.start()
        return super().event(event)
