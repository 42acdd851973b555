"""The elements of the draft: their tiles, and the row that a new one comes from, which stands where the panel wants it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QGridLayout, QWidget

from klingstudio.domain.element import is_web_address
from klingstudio.ui import theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.library import LibraryModel, no_element
from klingstudio.ui.models.picture_edits import PictureEdits
from klingstudio.ui.models.references import Figure, Picture, Slot
from klingstudio.ui.references.element_add import AddElement
from klingstudio.ui.references.element_face import ElementFaces, thumb
from klingstudio.ui.references.element_place import ElementSlot, SlotLight
from klingstudio.ui.references.element_tile import ElementTile
from klingstudio.ui.references.picture_fixes import Spot
from klingstudio.ui.widgets.reference_drag import drag_reference, dragged_reference
from klingstudio.ui.widgets.thumbnails import KeptThumbnails

PICTURE_FILTER = "Pictures (*.jpg *.jpeg *.png *.webp);;All files (*)"
_COLUMNS_COMPACT = 2


class ElementsArea(QWidget):
    """All tiles of elements in the order of their numbers. What is known of pictures comes from the draft."""

    insert_wanted = Signal(str)
    """Put this element into the prompt, by its id."""
    crop_wanted = Signal(str, int)
    """Crop this picture: element id and place in it."""
    library_wanted = Signal()

    def __init__(
        self,
        draft: DraftModel,
        library: LibraryModel,
        edits: PictureEdits,
        thumbs: KeptThumbnails,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._draft, self._library = draft, library
        self._thumbs = thumbs
        self._faces = ElementFaces(draft, library, edits, self._spot, thumbs)
        self._tiles: dict[str, ElementTile] = {}
        self._columns = 1
        self._placed: tuple[int, tuple[str, ...]] | None = None
        """Columns, and the elements in them."""
        self._gap_at: int | None = None
        """Where an element that is held over the tiles would go."""
        self.setAcceptDrops(True)
        self.add = AddElement(parent)
        """Placed by whoever places this area."""
        self.add.clicked.connect(self.choose)
        self.add.library_wanted.connect(self.library_wanted)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.px(theme.BETWEEN))
        for signal in (draft.pictures_changed, draft.providers_changed, library.changed, edits.changed, thumbs.came):
            signal.connect(self._refresh)
        draft.flash_wanted.connect(self._flash)
        self._refresh()

    def tiles(self) -> tuple[ElementTile, ...]:
        """In the order of their numbers."""
        return tuple(self._tiles[figure.id] for figure in self._draft.figures)

    def tile(self, element_id: str) -> ElementTile | None:
        return self._tiles.get(element_id)

    def set_compact(self, *, compact: bool) -> None:
        """Two tiles side by side, where there is little height."""
        columns = _COLUMNS_COMPACT if compact else 1
        if columns != self._columns:
            self._columns = columns
            for at in range(_COLUMNS_COMPACT):
                self._grid.setColumnStretch(at, 1 if at < columns else 0)
            self._place()

    # files

    def choose(self) -> None:
        """Ask for the pictures of a new element without stopping the window."""
        self._ask("Choose the front picture, and further angles", self._add_from, many=True)

    def _choose_for(self, element_id: str, index: int) -> None:
        figure = self._figure(element_id)
        if figure is not None:
            is_new = index > len(figure.angles)
            what = f"{'Front picture' if index == 0 else f'Angle {index}'} of {figure.name}"
            self._ask(what, lambda paths: self._put(element_id, index, paths), many=is_new)

    def _ask(self, title: str, use: object, *, many: bool) -> None:
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self, title, "", PICTURE_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles if many else QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: use([Path(name) for name in names]))  # type: ignore[operator]
        dialog.open()

    def _add_from(self, paths: Sequence[Path]) -> None:
        front, *angles = (str(path.absolute()) for path in paths)
        most = self._draft.angles_max
        element_id = self._draft.add_element(paths[0].stem, front, angles[:most])
        if (tile := self._tiles.get(element_id)) is not None:
            tile.setFocus(Qt.FocusReason.OtherFocusReason)

    # drops

    def slot_at(self, at: QPoint) -> ElementSlot | None:
        """The place for pictures at this point of the screen; None beside all of them."""
        if _is_over(self.add, at):
            refusal = no_element(self._draft)
            return ElementSlot(
                element_id="",
                index=0,
                name="",
                room=1 + self._draft.angles_max,
                is_filled=False,
                refusal=refusal,
                widget=self.add,
                light=SlotLight(self.add, 0),
            )
        for figure in self._draft.figures:
            tile = self._tiles[figure.id]
            if _is_over(tile, at):
                return self._slot(figure, tile, at)
        return None

    def _slot(self, figure: Figure, tile: ElementTile, at: QPoint) -> ElementSlot:
        most, used = self._draft.angles_max, len(figure.angles)
        over = next((view for view in tile.slots if _is_over(view, at)), None)
        # Beside its pictures the tile as a whole is meant: what it lacks first.
        index = over.index if over is not None else 0 if figure.frontal is None else min(used, most) + 1
        is_filled = over is not None and over.is_filled
        is_full = not is_filled and index > most
        return ElementSlot(
            element_id=figure.id,
            index=index,
            name=figure.name,
            room=1 if is_filled else max(0, most - used) + (figure.frontal is None),
            is_filled=is_filled,
            refusal=f"{figure.name} has {used} of {most} angles" if is_full else "",
            widget=over or tile,
            light=SlotLight(tile, index),
        )

    def put(self, place: ElementSlot, paths: Sequence[Path]) -> None:
        """Drop pictures on a place that `slot_at` gave."""
        if not paths or place.refusal:
            return
        if place.element_id:
            self._put(place.element_id, place.index, paths)
        else:
            self._add_from(paths)

    def _put(self, element_id: str, index: int, paths: Sequence[Path]) -> None:
        self._draft.put_on_element(element_id, index, [str(path.absolute()) for path in paths])

    # showing

    def _refresh(self) -> None:
        figures = self._draft.figures
        wanted = {figure.id for figure in figures}
        order = list(self._tiles)
        lost = next((n for n, id_ in enumerate(order) if id_ not in wanted and _has_keyboard(self._tiles[id_])), None)
        for gone in [id_ for id_ in order if id_ not in wanted]:
            _let_go(self._tiles.pop(gone), self._grid)
        for number, figure in enumerate(figures, 1):
            tile = self._tiles.get(figure.id) or self._new_tile(figure.id)
            tile.show_face(self._faces.face(number, len(figures), figure))
        self._tiles = {figure.id: self._tiles[figure.id] for figure in figures}
        self.add.show_refusal(no_element(self._draft))
        self._place()
        if lost is not None:
            tiles = self.tiles()
            (tiles[min(lost, len(tiles) - 1)] if tiles else self.add).setFocus(Qt.FocusReason.OtherFocusReason)

    def _new_tile(self, id_: str) -> ElementTile:
        tile = ElementTile(self)
        draft = self._draft
        # One connection each, made once; the id of an element never changes.
        tile.clicked.connect(lambda _=False: self.insert_wanted.emit(id_))
        tile.removed.connect(lambda: draft.remove_reference(id_))
        tile.moved.connect(lambda by: draft.move_element(id_, by))
        tile.renamed.connect(lambda name: draft.name_element(id_, name))
        tile.file_wanted.connect(lambda index: self._choose_for(id_, index))
        tile.emptied.connect(lambda index: draft.remove_slot(id_, index))
        tile.front_wanted.connect(lambda index: draft.swap_frontal(id_, index))
        tile.crop_wanted.connect(lambda index: self.crop_wanted.emit(id_, index))
        tile.save_wanted.connect(lambda: self._library.save(id_))
        tile.fix_wanted.connect(lambda index, words: self._fix(id_, index, words))
        tile.drag_wanted.connect(lambda: self._drag(id_))
        self._tiles[id_] = tile
        tile.show()
        return tile

    def _place(self) -> None:
        placed = (self._columns, tuple(self._tiles))
        if placed == self._placed:
            return
        self._placed = placed
        for at, tile in enumerate(self._tiles.values()):
            self._grid.addWidget(tile, *divmod(at, self._columns), Qt.AlignmentFlag.AlignTop)
        # Nothing is no row: the panel would show a gap for it.
        self.setVisible(bool(self._tiles))

    def _flash(self, element_id: str) -> None:
        if (tile := self._tiles.get(element_id)) is not None:
            tile.flash()

    def _fix(self, element_id: str, index: int, words: str) -> None:
        number, figure = self._draft.numbers.get(element_id, 0), self._figure(element_id)
        acts = self._faces.acts(number, figure, index) if figure is not None else []
        if (act := dict(acts).get(words)) is not None:
            act()

    def _spot(self, figure: Figure, index: int, slot: Slot | None) -> Spot:
        id_ = figure.id
        return Spot(
            reference_id=id_,
            index=index,
            facts=slot.facts if slot is not None else None,
            crop=lambda: self.crop_wanted.emit(id_, index),
            replace=lambda: self._choose_for(id_, index),
            remove=lambda: self._draft.remove_slot(id_, index),
        )

    def _figure(self, element_id: str) -> Figure | None:
        found = self._draft.reference(element_id)
        return found if isinstance(found, Figure) else None

    # an element in the person's hand

    def _drag(self, element_id: str) -> None:
        figure = self._figure(element_id)
        picture = thumb(figure.frontal, self._thumbs) if figure is not None and figure.frontal else None
        drag_reference(self._tiles[element_id], element_id, picture)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._hold(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._hold(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._let_be()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        held = self._draft.reference(dragged_reference(event.mimeData()))
        at = event.position().toPoint()
        self._let_be()
        if isinstance(held, Figure):
            event.acceptProposedAction()
            self._draft.place_element(held.id, self._target(held.id, at))
        elif isinstance(held, Picture) and (place := self.slot_at(self.mapToGlobal(at))) is not None:
            event.acceptProposedAction()
            self.put(place, [Path(held.place)])
        else:
            event.ignore()

    def _hold(self, event: QDragMoveEvent) -> None:
        """Say what letting go would do. What is no reference is the affair of the window."""
        held = self._draft.reference(dragged_reference(event.mimeData()))
        at = event.position().toPoint()
        self._let_be()
        if isinstance(held, Figure):
            self._gap_at = self._gap(at)
        elif isinstance(held, Picture) and (place := self.slot_at(self.mapToGlobal(at))) is not None:
            if place.refusal or is_web_address(held.place):
                place.light.refuse(place.refusal or "Save it from the web first")
                event.ignore()
                return
            place.light.offer(place.verb(1))
        else:
            event.ignore()
            return
        event.acceptProposedAction()

    def _let_be(self) -> None:
        self._gap_at = None
        self.add.light("")
        for tile in self._tiles.values():
            tile.light(None, "")
        self.update()

    def _gap(self, at: QPoint) -> int:
        """The gap between two tiles that is nearest, counted from before the first."""
        before = [tile for tile in self.tiles() if _is_before(tile, at, beside=self._columns > 1)]
        return len(before)

    def _target(self, element_id: str, at: QPoint) -> int:
        order = [figure.id for figure in self._draft.figures]
        gap, was_at = self._gap(at), order.index(element_id)
        return gap - 1 if gap > was_at else gap

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        tiles = self.tiles()
        if self._gap_at is None or not tiles:
            return
        edge = tiles[self._gap_at].y() if self._gap_at < len(tiles) else tiles[-1].geometry().bottom() + 1
        half = theme.px(theme.BETWEEN) / 2
        y = edge - half if self._gap_at < len(tiles) else edge + half
        painter = QPainter(self)
        y = min(max(0.0, y - 1), self.height() - 2)
        painter.fillRect(QRectF(0, y, self.width(), 2), QColor(theme.tokens(self.palette()).accent))
        painter.end()


def _is_over(widget: QWidget, at: QPoint) -> bool:
    return widget.isVisible() and widget.rect().contains(widget.mapFromGlobal(at))


def _is_before(tile: QWidget, at: QPoint, *, beside: bool) -> bool:
    middle = tile.geometry().center()
    if not beside:
        return middle.y() < at.y()
    return tile.geometry().bottom() < at.y() or (tile.y() <= at.y() and middle.x() < at.x())


def _has_keyboard(tile: QWidget) -> bool:
    return tile.hasFocus() or (tile.focusWidget() is not None and tile.focusWidget().hasFocus())


def _let_go(tile: QWidget, layout: QGridLayout) -> None:
    layout.removeWidget(tile)
    tile.hide()
    tile.deleteLater()
