"""Tiles of the reference pictures and elements, and the place to add a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import Kind, Problem
from klingstudio.ui import text, theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.references import Figure, Picture
from klingstudio.ui.references.element import ElementTile
from klingstudio.ui.widgets.drop import DropArea, DropLight
from klingstudio.ui.widgets.labels import label
from klingstudio.ui.widgets.picture import Tile
from klingstudio.ui.widgets.thumbnails import Thumbnails

IMAGE_FILTER = "Pictures (*.jpg *.jpeg *.png *.webp);;All files (*)"
COLUMNS = 2
_COLUMNS_COMPACT = 4


class ReferencesPanel(QWidget):
    """The pictures and elements of the draft, each kind in the order of its numbers."""

    token_wanted = Signal(str)
    """Insert this into the prompt: `@Image2`, `@Element1`."""
    chosen = Signal(object)
    """Files were chosen in the dialog: list of Path."""

    def __init__(self, draft: DraftModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._tiles: dict[str, Tile] = {}
        self._element_tiles: dict[str, ElementTile] = {}
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
        self._title = label("Images", "section")
        head.addWidget(self._title)
        head.addStretch()
        head.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addLayout(head)
        column.addLayout(self._grid)
        self._elements = QVBoxLayout()
        self._elements.setSpacing(theme.px(theme.BETWEEN))
        column.addLayout(self._elements)
        self._column = column
        self.light = DropLight(self)
        for signal in (draft.pictures_changed, draft.providers_changed, draft.source_changed):
            signal.connect(self._refresh)
        self.set_compact(compact=False)

    def tiles(self) -> tuple[Tile, ...]:
        """The tiles in the order of their numbers."""
        return tuple(self._tiles[picture.id] for picture in self._draft.pictures)

    def element_tiles(self) -> tuple[ElementTile, ...]:
        """The same for the elements."""
        return tuple(self._element_tiles[figure.id] for figure in self._draft.figures)

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
        pictures, figures = self._draft.pictures, self._draft.figures
        problem = self._draft.references_problem()
        cautions = {one.subject: text.caution(one) for one in self._draft.cautions()}
        tiles: dict[str, Tile | ElementTile] = {**self._tiles, **self._element_tiles}
        focused = next((id_ for id_, tile in tiles.items() if tile.hasFocus()), None)
        was_at = next((n for n, id_ in enumerate(tiles) if id_ == focused), 0)
        wanted = {picture.id for picture in pictures} | {figure.id for figure in figures}
        self._forget(wanted)
        for number, picture in enumerate(pictures, 1):
            subject = f"image:{number}"
            is_about = problem is not None and problem.subject == subject
            self._show(number, picture, problem if is_about else picture.problem, cautions.get(subject, ""))
        for number, figure in enumerate(figures, 1):
            subject = f"element:{number}"
            # What a provider has none of is said at each of them.
            is_about = problem is not None and (problem.subject == subject or problem.kind is Kind.NOT_SUPPORTED)
            self._show_element(number, figure, problem if is_about else None, cautions.get(subject, ""))
        self._tiles = {picture.id: self._tiles[picture.id] for picture in pictures}
        if focused is not None and focused not in wanted:
            left: tuple[QWidget, ...] = (*self.tiles(), *self.element_tiles())
            (left[min(was_at, len(left) - 1)] if left else self._add).setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._place_add(len(pictures))
        used, most = len(pictures) + len(figures), self._draft.references_max
        self._title.setText("Images and elements" if figures else "Images")
        self._count.setText(f"{used} of {most}")
        self._add.setEnabled(used < most)
        self._add.setToolTip("" if used < most else f"{most} of {most} references used")

    def _forget(self, wanted: set[str]) -> None:
        for gone in [id_ for id_ in self._tiles if id_ not in wanted]:
            _let_go(self._tiles.pop(gone), self._grid)
        for gone in [id_ for id_ in self._element_tiles if id_ not in wanted]:
            _let_go(self._element_tiles.pop(gone), self._elements)

    def _show(self, number: int, picture: Picture, problem: Problem | None, caution: str) -> None:
        tile = self._tiles.get(picture.id)
        if tile is None:
            tile = Tile(self)
            tile.setObjectName("imageTile")
            # One connection each, made once; the id of a picture never changes.
            tile.clicked.connect(lambda _=False, id_=picture.id: self._insert(id_))
            tile.removed.connect(lambda id_=picture.id: self._draft.remove_reference(id_))
            tile.moved.connect(lambda by, id_=picture.id: self._draft.move_picture(id_, by))
            self._tiles[picture.id] = tile
        # At the top: beside a tile with a problem, which is higher, the pictures still stand in line.
        at = divmod(number - 1, self._columns)
        self._grid.addWidget(tile, *at, Qt.AlignmentFlag.AlignTop)
        is_warning = problem is None and bool(caution)
        remark = short(problem) if problem else "May be refused" if caution else ""
        tile.show_reference(
            number, picture.name, self._thumb(picture.place, picture.facts is not None), remark, is_warning=is_warning
        )
        if passage := text.passage(problem) if problem else caution:
            tile.setToolTip(f"{picture.name}\n{passage}")
            tile.setAccessibleDescription(passage)

    def _show_element(self, number: int, figure: Figure, problem: Problem | None, caution: str) -> None:
        tile = self._element_tiles.get(figure.id)
        if tile is None:
            tile = ElementTile(self)
            tile.setObjectName("elementTile")
            tile.clicked.connect(lambda _=False, id_=figure.id: self._insert(id_))
            tile.removed.connect(lambda id_=figure.id: self._draft.remove_reference(id_))
            self._element_tiles[figure.id] = tile
            self._elements.addWidget(tile)
        remark = text.reason(replace(problem, subject="")) if problem else caution
        thumb = self._thumb(figure.element.frontal, not is_web_address(figure.element.frontal))
        tile.show_element(number, figure.name, figure.parts, thumb, remark, is_warning=problem is None)

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

    def _thumb(self, place: str, can_be_read: bool) -> QPixmap | None:
        if can_be_read and place not in self._thumbs:
            self._thumbs[place] = None
            self._thumbnails.want(place)
        return self._thumbs.get(place)

    def _on_thumb(self, path: str, image: QImage) -> None:
        if not image.isNull():
            self._thumbs[path] = QPixmap.fromImage(image)
            self._refresh()

    def detach(self) -> None:
        """Wait for what is being read; the program ends."""
        self._thumbnails.wait()

    def _insert(self, reference_id: str) -> None:
        tokens = {picture.id: f"@Image{n}" for n, picture in enumerate(self._draft.pictures, 1)}
        tokens |= {figure.id: f"@Element{n}" for n, figure in enumerate(self._draft.figures, 1)}
        self.token_wanted.emit(tokens[reference_id])


def _let_go(tile: QWidget, layout: QLayout) -> None:
    layout.removeWidget(tile)
    tile.hide()
    tile.deleteLater()


def short(problem: Problem) -> str:
    """`This picture is too small` → `Too small`: on the tile it is clear what is meant, and there is little room."""
    match problem.kind:
        case Kind.IMAGE_WRONG_TYPE:
            return "Wrong file type"
        case Kind.IMAGE_BAD_RATIO:
            return "Too narrow"
        case Kind.TOO_MANY_REFERENCES:
            return "One too many"
        case _:
            words = text.sentence(problem).title
            for start in ("This picture is ", "This picture has ", "This picture "):
                words = words.removeprefix(start)
            return words[:1].upper() + words[1:]
