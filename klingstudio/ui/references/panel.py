"""Tiles of the reference pictures, and the place to add one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from klingstudio.domain.errors import Kind, Problem
from klingstudio.ui import text, theme
from klingstudio.ui.models.draft import DraftModel, Picture
from klingstudio.ui.widgets.drop import DropArea, DropLight
from klingstudio.ui.widgets.labels import label
from klingstudio.ui.widgets.picture import Tile
from klingstudio.ui.widgets.thumbnails import Thumbnails

IMAGE_FILTER = "Pictures (*.jpg *.jpeg *.png *.webp);;All files (*)"
COLUMNS = 2
_COLUMNS_COMPACT = 4


class ReferencesPanel(QWidget):
    """The pictures of the draft, in the order of their numbers."""

    token_wanted = Signal(str)
    """Insert this into the prompt: `@Image2`."""
    chosen = Signal(object)
    """Files were chosen in the dialog: list of Path."""

    def __init__(self, draft: DraftModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._tiles: dict[str, Tile] = {}
        self._thumbs: dict[str, QPixmap | None] = {}
        self._thumbnails = Thumbnails(self)
        self._thumbnails.ready.connect(self._on_thumb)
        self._columns: int = COLUMNS
        self._is_compact = False
        self._count = label("", "section", parent=self)
        self._add = DropArea("image-plus", "Image", parent=self)
        self._add.setObjectName("addImage")
        self._add.setAccessibleName("Add an image")
        self._add.clicked.connect(self.choose)
        self._grid = QGridLayout()
        self._grid.setSpacing(theme.px(theme.BETWEEN))

        head = QHBoxLayout()
        head.addStrut(theme.px(theme.HEAD))
        head.addWidget(label("Images", "section"))
        head.addStretch()
        head.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addLayout(head)
        column.addLayout(self._grid)
        self._column = column
        self.light = DropLight(self)
        draft.pictures_changed.connect(self._refresh)
        draft.providers_changed.connect(self._refresh)
        self.set_compact(compact=False)

    def tiles(self) -> tuple[Tile, ...]:
        """The tiles in the order of their numbers."""
        return tuple(self._tiles[picture.id] for picture in self._draft.pictures)

    def set_compact(self, *, compact: bool) -> None:
        """All tiles in one row, where there is little height."""
        self._is_compact = compact
        self._columns = _COLUMNS_COMPACT if compact else COLUMNS
        for at in range(_COLUMNS_COMPACT):
            self._grid.setColumnStretch(at, 1 if at < self._columns else 0)
        self._refresh()

    def choose(self) -> None:
        """Ask for files without stopping the window."""
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self, "Add images", "", IMAGE_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._on_files)
        dialog.open()

    def _on_files(self, names: list[str]) -> None:
        self.chosen.emit([Path(name) for name in names])

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
            self._show(number, picture)
        self._tiles = {picture.id: self._tiles[picture.id] for picture in pictures}
        if focused is not None and focused not in wanted:
            tiles = self.tiles()
            (tiles[min(was_at, len(tiles) - 1)] if tiles else self._add).setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._place_add(len(pictures))
        most = self._draft.references_max
        self._count.setText(f"{len(pictures)} of {most}")
        self._add.setEnabled(len(pictures) < most)
        self._add.setToolTip("" if len(pictures) < most else f"{most} of {most} references used")

    def _show(self, number: int, picture: Picture) -> None:
        tile = self._tiles.get(picture.id)
        if tile is None:
            tile = Tile(self)
            tile.setObjectName("imageTile")
            # One connection each, made once; the id of a picture never changes.
            tile.clicked.connect(lambda _=False, id_=picture.id: self._insert(id_))
            tile.removed.connect(lambda id_=picture.id: self._draft.remove_picture(id_))
            tile.moved.connect(lambda by, id_=picture.id: self._draft.move_picture(id_, by))
            self._tiles[picture.id] = tile
        # At the top: beside a tile with a problem, which is higher, the pictures still stand in line.
        at = divmod(number - 1, self._columns)
        self._grid.addWidget(tile, *at, Qt.AlignmentFlag.AlignTop)
        problem = short(picture.problem) if picture.problem else ""
        tile.show_reference(number, picture.name, self._picture(picture), problem)
        if picture.problem is not None:
            passage = text.passage(picture.problem)
            tile.setToolTip(f"{picture.name}\n{passage}")
            tile.setAccessibleDescription(passage)

    def _place_add(self, count: int) -> None:
        self._grid.removeWidget(self._add)
        self._column.removeWidget(self._add)
        if not self._is_compact:
            self._column.addWidget(self._add)
            self._add.show()
        elif count < self._columns:
            self._grid.addWidget(self._add, 0, count, 1, self._columns - count)
            self._add.show()
        else:
            self._add.hide()

    def _picture(self, picture: Picture) -> QPixmap | None:
        if picture.facts is not None and picture.place not in self._thumbs:
            self._thumbs[picture.place] = None
            self._thumbnails.want(picture.place)
        return self._thumbs.get(picture.place)

    def _on_thumb(self, path: str, image: QImage) -> None:
        if not image.isNull():
            self._thumbs[path] = QPixmap.fromImage(image)
            self._refresh()

    def detach(self) -> None:
        """Wait for what is being read; the program ends."""
        self._thumbnails.wait()

    def _insert(self, picture_id: str) -> None:
        number = next(n for n, picture in enumerate(self._draft.pictures, 1) if picture.id == picture_id)
        self.token_wanted.emit(f"@Image{number}")


def short(problem: Problem) -> str:
    """`This picture is too small` → `Too small`: on the tile it is clear what is meant, and there is little room."""
    match problem.kind:
        case Kind.IMAGE_WRONG_TYPE:
            return "Wrong file type"
        case Kind.IMAGE_BAD_RATIO:
            return "Too narrow"
        case _:
            words = text.sentence(problem).title
            for start in ("This picture is ", "This picture has ", "This picture "):
                words = words.removeprefix(start)
            return words[:1].upper() + words[1:]
