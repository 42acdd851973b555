"""The strip of reference pictures, the elements below it, and the places to add either."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, Qt, QUrl, Signal
from PySide6.QtGui import (
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QResizeEvent,
)
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from klingstudio.domain.errors import Kind
from klingstudio.ui import theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.library import LibraryModel
from klingstudio.ui.models.picture_edits import PictureEdits
from klingstudio.ui.models.references import Picture
from klingstudio.ui.references.element_face import thumb
from klingstudio.ui.references.elements import ElementsArea
from klingstudio.ui.references.image_menu import Deeds, Subject, fill_menu, lines_of, no_elements
from klingstudio.ui.references.image_tile import Face, ImageTile
from klingstudio.ui.references.image_words import own_file, size_words, with_remark
from klingstudio.ui.references.marker import Marker, gap_at
from klingstudio.ui.references.picture_fixes import Act, Spot, acts_for
from klingstudio.ui.widgets.drop import DropArea, RovingLight
from klingstudio.ui.widgets.labels import announce, label, plain_tip
from klingstudio.ui.widgets.reference_drag import drag_reference, dragged_reference
from klingstudio.ui.widgets.thumbnails import KeptThumbnails

if TYPE_CHECKING:
    from klingstudio.domain.lint import Finding
    from klingstudio.ui.references.element_tile import ElementTile
    from klingstudio.ui.widgets.large_picture import LargePicture

IMAGE_FILTER = "Pictures (*.jpg *.jpeg *.png *.webp);;All files (*)"
COLUMNS = 2
_COLUMNS_COMPACT = 4


class ReferencesPanel(QWidget):
    """The pictures and elements of the draft, each kind in the order of its numbers."""

    insert_wanted = Signal(str)
    """Id of a reference that is to be put into the prompt."""
    crop_wanted = Signal(str)
    """Id of an image."""
    chosen = Signal(object)
    """Files were chosen in the dialog: list of Path."""
    said = Signal(str)
    """A short word about something that has just been done."""

    def __init__(
        self, draft: DraftModel, edits: PictureEdits, library: LibraryModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._draft, self._edits = draft, edits
        self._tiles: dict[str, ImageTile] = {}
        self._thumbs = KeptThumbnails(self)
        self._large: LargePicture | None = None
        self._columns: int = COLUMNS
        self._is_compact = False
        self._placed: tuple[int, tuple[str, ...]] = (0, ())
        """Columns, and the images in them."""
        self._placed_adds: tuple[bool, bool, int] | None = None
        self._carried = ""
        self.setAcceptDrops(True)
        self._build(library)
        self.marker = Marker(self)
        self.light = RovingLight(self)
        for signal in (draft.pictures_changed, draft.providers_changed, edits.changed, self._thumbs.came):
            signal.connect(self._refresh)
        draft.flash_wanted.connect(self.reveal)
        self.set_compact(compact=False)

    def _build(self, library: LibraryModel) -> None:
        self._title = label("Images and elements", "section")
        self._count = label("", "section", parent=self)
        self.add = DropArea("image-plus", "Image", parent=self)
        self.add.setObjectName("addImage")
        self.add.setAccessibleName("Add an image")
        self.add.clicked.connect(self.choose)
        self._grid = QGridLayout()
        self._grid.setSpacing(theme.px(theme.BETWEEN))
        self.elements = ElementsArea(self._draft, library, self._edits, self._thumbs, self)
        self.elements.insert_wanted.connect(self.insert_wanted)

        head = QHBoxLayout()
        head.addStrut(theme.px(theme.HEAD))
        head.addWidget(self._title)
        head.addStretch()
        head.addWidget(self._count)
        self._adds = QWidget(self)
        self._adds.setProperty("clear", "true")
        self._adds_row = QBoxLayout(QBoxLayout.Direction.TopToBottom, self._adds)
        self._adds_row.setContentsMargins(0, 0, 0, 0)
        self._adds_row.setSpacing(theme.px(theme.BETWEEN))
        self._adds_row.addWidget(self.add)
        self._adds_row.addWidget(self.elements.add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addLayout(head)
        column.addLayout(self._grid)
        column.addWidget(self.elements)
        column.addWidget(self._adds)
        self._column = column

    def tiles(self) -> tuple[ImageTile, ...]:
        """The tiles in the order of their numbers."""
        return tuple(self._tiles[picture.id] for picture in self._draft.pictures)

    @property
    def count_words(self) -> str:
        """`3 of 4`."""
        return self._count.text()

    def element_tiles(self) -> tuple[ElementTile, ...]:
        """The same for the elements."""
        return self.elements.tiles()

    def tile_at(self, at: QPoint) -> tuple[str, QWidget] | None:
        """The image whose tile is at this place of the screen, by its id; None where there is none."""
        for id_, tile in self._tiles.items():
            if tile.isVisible() and tile.rect().contains(tile.mapFromGlobal(at)):
                return id_, tile
        return None

    def set_compact(self, *, compact: bool) -> None:
        """All tiles in one row, where there is little height."""
        self._is_compact = compact
        self._columns = _COLUMNS_COMPACT if compact else COLUMNS
        for at in range(_COLUMNS_COMPACT):
            self._grid.setColumnStretch(at, 1 if at < self._columns else 0)
        self.elements.set_compact(compact=compact)
        self._refresh()

    def detach(self) -> None:
        """Wait for what is being read; the program ends."""
        self._thumbs.wait()
        if self._large is not None:
            self._large.detach()

    # what the person asks for

    def choose(self) -> None:
        """Ask for files without stopping the window."""
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self, "Add images", "", IMAGE_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: self.chosen.emit([Path(name) for name in names]))
        dialog.open()

    def choose_other(self, picture_id: str) -> None:
        """Ask for the file that is to take the place of an image; tokens go on pointing at it."""
        from PySide6.QtWidgets import QFileDialog

        number = self._draft.numbers.get(picture_id, 0)
        dialog = QFileDialog(self, f"Replace image {number}", "", IMAGE_FILTER)
        dialog.setObjectName("replaceImage")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self._draft.replace_picture(picture_id, Path(name)))
        dialog.open()

    def reveal(self, reference_id: str) -> None:
        """Show the person where this image is."""
        if (tile := self._tiles.get(reference_id)) is not None:
            tile.flash()

    def look_at(self, picture_id: str) -> None:
        """Show an image larger, until any key or click."""
        from klingstudio.ui.widgets.large_picture import LargePicture

        picture, tile = self._picture(picture_id), self._tiles.get(picture_id)
        if picture is None or tile is None or tile.picture is None:
            return
        if self._large is None:
            self._large = LargePicture(self)
        face = tile.face
        beside = QRect(tile.mapToGlobal(QPoint(0, 0)), tile.size())
        self._large.look_at(picture.place, f"{face.number}  {face.name}  {face.size}", tile.picture, beside)

    def _carry(self, picture_id: str) -> None:
        tile = self._tiles.get(picture_id)
        if tile is not None:
            tile.show_carried(carried=True)
            drag_reference(tile, picture_id, tile.picture)
            # The tile may be gone: dropped where an element begins it is none any more.
            if (tile := self._tiles.get(picture_id)) is not None:
                tile.show_carried(carried=False)

    def _move(self, picture_id: str, by: int) -> None:
        count = len(self._draft.pictures)
        before = self._draft.numbers.get(picture_id, 0)
        if 1 <= before + by <= count:
            self._draft.move_picture(picture_id, by)
            announce(self, f"Image {self._draft.numbers[picture_id]} of {count}")

    def _show_in_folder(self, picture_id: str) -> None:
        if (picture := self._picture(picture_id)) is not None:
            path = Path(own_file(picture))
            if not path.exists():
                self.said.emit("This picture is no longer where it was")
            elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent))):
                self.said.emit(f"It is in {path.parent}")

    def _copy_path(self, picture_id: str) -> None:
        if (picture := self._picture(picture_id)) is not None:
            QGuiApplication.clipboard().setText(own_file(picture))
            self.said.emit("The path is copied")

    # the menu of a tile

    def menu(self, picture_id: str) -> QMenu:
        """What can be done with an image now."""
        picture = self._picture(picture_id)
        menu = QMenu(self)
        if picture is None:
            return menu
        subject = Subject(
            picture=picture,
            number=self._draft.numbers[picture_id],
            count=len(self._draft.pictures),
            fixes=self._fixes(picture, self._draft.numbers[picture_id]),
            no_elements=no_elements(self._draft),
        )
        return fill_menu(menu, lines_of(subject, self._deeds(picture_id)))

    def _deeds(self, picture_id: str) -> Deeds:
        return Deeds(
            insert=lambda: self.insert_wanted.emit(picture_id),
            look=lambda: self.look_at(picture_id),
            replace=lambda: self.choose_other(picture_id),
            crop=lambda: self.crop_wanted.emit(picture_id),
            use_original=lambda: self._edits.use_original(picture_id),
            make_element=lambda: self._draft.picture_to_element(picture_id),
            show_in_folder=lambda: self._show_in_folder(picture_id),
            copy_path=lambda: self._copy_path(picture_id),
            move=lambda by: self._move(picture_id, by),
            remove=lambda: self._draft.remove_reference(picture_id),
        )

    def _open_menu(self, picture_id: str, where: QPoint) -> None:
        menu = self.menu(picture_id)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(where)

    # what is shown

    def _picture(self, picture_id: str) -> Picture | None:
        return next((one for one in self._draft.pictures if one.id == picture_id), None)

    def _refresh(self) -> None:
        pictures = self._draft.pictures
        focused = next((id_ for id_, tile in self._tiles.items() if tile.hasFocus()), None)
        was_at = next((n for n, id_ in enumerate(self._tiles) if id_ == focused), 0)
        wanted = {picture.id for picture in pictures}
        for gone in [id_ for id_ in self._tiles if id_ not in wanted]:
            tile = self._tiles.pop(gone)
            self._grid.removeWidget(tile)
            tile.hide()
            tile.deleteLater()
        for number, picture in enumerate(pictures, 1):
            tile = self._tiles.get(picture.id) or self._make(picture.id)
            tile.show_face(self._face(number, picture), thumb(picture.slot, self._thumbs), self._fixes(picture, number))
        self._tiles = {picture.id: self._tiles[picture.id] for picture in pictures}
        if focused is not None and focused not in wanted:
            left = self.tiles()
            (left[min(was_at, len(left) - 1)] if left else self.add).setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._place_tiles()
        self._place_adds(len(pictures))
        used, most = len(pictures) + len(self._draft.figures), self._draft.references_max
        self._count.setText(f"{used} of {most}")
        self._count.setToolTip("Images and elements count together")
        is_full = used >= most
        reason = f"{most} of {most} references used"
        usual = "Pictures that the prompt can point at (Ctrl+I)"
        self.add.setEnabled(not is_full)
        self.add.setToolTip(plain_tip(reason if is_full else usual))
        self.add.setAccessibleDescription(reason if is_full else usual)

    def _place_adds(self, count: int) -> None:
        """Below the tiles; where there is little height, beside them as long as both rows have room there."""
        free = self._columns - count
        room = self.width() * free // self._columns - theme.px(theme.BETWEEN)
        is_beside = self._is_compact and count > 0 and room >= theme.px(theme.ADD_WIDTH)
        placed = (self._is_compact, is_beside, count if is_beside else 0)
        if placed == self._placed_adds:
            return
        self._placed_adds = placed
        self._grid.removeWidget(self._adds)
        self._column.removeWidget(self._adds)
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._adds_row.setDirection(across if self._is_compact and not is_beside else down)
        if is_beside:
            self._grid.addWidget(self._adds, 0, count, 1, free, Qt.AlignmentFlag.AlignTop)
        else:
            self._column.addWidget(self._adds)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_compact:
            self._place_adds(len(self._tiles))

    def _place_tiles(self) -> None:
        placed = (self._columns, tuple(self._tiles))
        if placed != self._placed:
            self._placed = placed
            for at, tile in enumerate(self._tiles.values()):
                # At the top: beside a tile with a problem, which is higher, the pictures still stand in line.
                self._grid.addWidget(tile, *divmod(at, self._columns), Qt.AlignmentFlag.AlignTop)

    def _make(self, picture_id: str) -> ImageTile:
        tile = ImageTile(self)
        # One connection each, made once; the id of a picture never changes.
        tile.clicked.connect(lambda _=False: self.insert_wanted.emit(picture_id))
        tile.removed.connect(lambda: self._draft.remove_reference(picture_id))
        tile.moved.connect(lambda by: self._move(picture_id, by))
        tile.look_wanted.connect(lambda: self.look_at(picture_id))
        tile.drag_wanted.connect(lambda: self._carry(picture_id))
        tile.menu_wanted.connect(lambda where: self._open_menu(picture_id, where))
        self._tiles[picture_id] = tile
        return tile

    def _face(self, number: int, picture: Picture) -> Face:
        plain = Face(number=number, name=picture.name, size=size_words(picture, self._draft))
        if self._edits.is_under_way(picture.id):
            return replace(plain, remark="Editing…", tone="secondary")
        finding = self._finding(number)
        return with_remark(plain, finding) if finding is not None else plain

    def _finding(self, number: int) -> Finding | None:
        """What is said at the tile: what stops Generate before what is only mentioned."""
        found = [one for one in self._draft.findings_at(f"image:{number}") if one.subject == f"image:{number}"]
        # That the prompt does not speak of it is said at the prompt.
        told = [one for one in found if one.problem is None or one.problem.kind is not Kind.REFERENCE_UNUSED]
        return next((one for one in told if one.weight == "blocks"), told[0] if told else None)

    def _fixes(self, picture: Picture, number: int) -> list[Act]:
        """Words and act of everything that helps, the best one first."""
        deeds, finding = self._deeds(picture.id), self._finding(number)
        spot = Spot(
            reference_id=picture.id,
            index=None,
            facts=picture.facts,
            crop=deeds.crop,
            replace=deeds.replace,
            remove=deeds.remove,
        )
        return acts_for(finding.fixes if finding is not None else (), spot, self._edits)

    # an image in the hand

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._carried = dragged_reference(event.mimeData())
        if self._carried in self._tiles:
            event.setDropAction(Qt.DropAction.MoveAction)
            event.accept()
        else:
            # Files and elements belong to somebody else.
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if self._carried not in self._tiles:
            event.ignore()
            return
        at = event.position().toPoint()
        self.marker.show_gap(self._places(), self._gap(at), at)
        event.setDropAction(Qt.DropAction.MoveAction)
        event.accept()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self.marker.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self.marker.hide()
        picture_id = dragged_reference(event.mimeData())
        if picture_id not in self._tiles:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.MoveAction)
        event.accept()
        gap, number = self._gap(event.position().toPoint()), self._draft.numbers[picture_id]
        # Taken out of its place, everything behind it moves up.
        self._move(picture_id, gap - (number - 1) - (1 if gap >= number else 0))

    def _places(self) -> list[QRect]:
        return [tile.geometry() for tile in self.tiles()]

    def _gap(self, at: QPoint) -> int:
        return gap_at(self._places(), at)
