"""The list of elements in the library: one row each, painted; arrow keys, Enter and Del do what there is to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QKeyEvent, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from klingstudio.ui import theme
from klingstudio.ui.models.library import LibraryModel
from klingstudio.ui.widgets.icons import pixmap
from klingstudio.ui.widgets.picture import paint_cover
from klingstudio.ui.widgets.thumbnails import Thumbnails

if TYPE_CHECKING:
    from klingstudio.domain.element import LibraryElement

Index = QModelIndex | QPersistentModelIndex
ID = Qt.ItemDataRole.UserRole


def parts_words(element: LibraryElement) -> str:
    """`front + 2 angles`."""
    count = len(element.angles)
    return "front" if not count else f"front + {count} {'angle' if count == 1 else 'angles'}"


def uses_words(count: int) -> str:
    """`used in 7 takes`."""
    return "not used yet" if not count else f"used in {count} {'take' if count == 1 else 'takes'}"


class Rows(QAbstractListModel):
    """The elements that were found, and their small pictures."""

    def __init__(self, library: LibraryModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._library = library
        self._found: tuple[LibraryElement, ...] = ()
        self._thumbs: dict[str, QPixmap | None] = {}
        self._thumbnails = Thumbnails(self)
        self._thumbnails.ready.connect(self._on_thumb)

    def take_over(self) -> None:
        """Show what is found now."""
        found = self._library.found
        if [one.id for one in found] == [one.id for one in self._found]:
            self._found = found
            if found:
                self.dataChanged.emit(self.index(0), self.index(len(found) - 1))
            return
        self.beginResetModel()
        self._found = found
        self.endResetModel()

    def wait(self) -> None:
        """Until no picture is being read any more."""
        self._thumbnails.wait()

    def element(self, index: Index) -> LibraryElement | None:
        return self._found[index.row()] if 0 <= index.row() < len(self._found) else None

    def index_of(self, element_id: str) -> QModelIndex:
        """Where an element stands; an index of nothing where it does not."""
        row = next((n for n, one in enumerate(self._found) if one.id == element_id), -1)
        return self.index(row) if row >= 0 else QModelIndex()

    def uses(self, element: LibraryElement) -> int:
        return self._library.uses(element.id)

    def thumb(self, place: str) -> QPixmap | None:
        """A small picture; None until it was read."""
        if place not in self._thumbs:
            self._thumbs[place] = None
            self._thumbnails.want(place)
        return self._thumbs[place]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._found)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        element = self.element(index)
        if element is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return element.name
            case Qt.ItemDataRole.AccessibleTextRole:
                tags = f"tags {', '.join(element.tags)}" if element.tags else ""
                said = (element.name, parts_words(element), uses_words(self.uses(element)), tags)
                return ", ".join(part for part in said if part)
            case _:
                return element.id if role == ID else None

    def _on_thumb(self, place: str, image: QImage) -> None:
        if not image.isNull():
            self._thumbs[place] = QPixmap.fromImage(image)
            if self._found:
                self.dataChanged.emit(self.index(0), self.index(len(self._found) - 1))


class _Painter(QStyledItemDelegate):
    def __init__(self, rows: Rows, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows = rows

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        del option, index
        return QSize(theme.px(200), theme.px(theme.ELEMENT_SIDE) + 2 * theme.px(theme.BETWEEN))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        element = self._rows.element(index)
        view = self.parent()
        if element is None or not isinstance(view, RowsView):
            return
        t = theme.tokens(view.palette())
        rect = QRect(option.rect)
        inset, side, round_px = theme.px(theme.BETWEEN), theme.px(theme.ELEMENT_SIDE), theme.px(theme.RADIUS)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if index.row() == view.currentIndex().row():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.mix(t.window, t.text, 0.13)))
            painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), round_px, round_px)
        self._paint_picture(painter, t, QRectF(rect.x() + inset, rect.y() + inset, side, side), element)
        left = rect.x() + 2 * inset + side
        lines = (
            (element.name, t.text, QFont.Weight.DemiBold, False),
            (
                f"{parts_words(element)} · {uses_words(self._rows.uses(element))}",
                t.secondary,
                QFont.Weight.Normal,
                True,
            ),
            (" · ".join(element.tags), t.secondary, QFont.Weight.Normal, True),
        )
        high = side // len(lines)
        for row, (words, colour, weight, is_small) in enumerate(lines):
            font = QFont(view.font())
            font.setWeight(weight)
            if is_small:
                font.setPixelSize(theme.px(theme.SMALL_PX))
            painter.setFont(font)
            painter.setPen(QColor(colour))
            place = QRect(left, rect.y() + inset + row * high, rect.right() - inset - left, high)
            shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()

    def _paint_picture(self, painter: QPainter, t: theme.Tokens, place: QRectF, element: LibraryElement) -> None:
        path = QPainterPath()
        path.addRoundedRect(place, theme.px(theme.RADIUS_INSIDE), theme.px(theme.RADIUS_INSIDE))
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(place, QColor(theme.mix(t.raised, t.text, 0.08)))
        picture = self._rows.thumb(element.frontal)
        if picture is not None:
            paint_cover(painter, place, picture, picture.devicePixelRatioF())
        else:
            icon_px = theme.px(theme.ICON)
            at = place.center() - QRectF(0, 0, icon_px, icon_px).center()
            painter.drawPixmap(at, pixmap("user-round", t.faint, icon_px))
        painter.restore()


class RowsView(QListView):
    """Chooses one element; Enter or a double click uses it, Del removes it, F2 renames it."""

    used = Signal(str)
    removed = Signal(str)
    rename_wanted = Signal()
    chosen = Signal(str)
    """Library id; empty: none."""

    def __init__(self, rows: Rows, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self.setModel(rows)
        self.setItemDelegate(_Painter(rows, self))
        self.setAccessibleName("Elements")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformItemSizes(True)
        self.doubleClicked.connect(self._use)

    @property
    def element_id(self) -> str:
        """What is chosen; empty: nothing."""
        element = self._rows.element(self.currentIndex())
        return element.id if element is not None else ""

    def choose(self, element_id: str) -> None:
        """Choose this one and show it; the first where it is not there."""
        index = self._rows.index_of(element_id)
        if not index.isValid() and self._rows.rowCount():
            index = self._rows.index(0)
        self.setCurrentIndex(index)
        if index.isValid():
            self.scrollTo(index)
        self.chosen.emit(self.element_id)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        self.chosen.emit(self.element_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._use(self.currentIndex())
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace if self.element_id:
                self.removed.emit(self.element_id)
            case Qt.Key.Key_F2 if self.element_id:
                self.rename_wanted.emit()
            case _:
                super().keyPressEvent(event)

    def _use(self, index: Index) -> None:
        if (element := self._rows.element(index)) is not None:
            self.used.emit(element.id)
