"""Saving and copying of frames: which file, which words, and where the picture goes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from klingstudio.ui.player.comparison import Comparison
from klingstudio.ui.player.playback.pair import Pair, Side
from klingstudio.ui.player.playback.player import PairPlayer
from klingstudio.ui.player.snapshot import Frame, Purpose, Shot, Snapshots, Taken, What, what_is_shown


class Frames(QObject):
    """Turns the wish for a frame into a picture in a file, on the clipboard, or for the composer."""

    said = Signal(str)
    failed = Signal(object)  # Problem
    reference_made = Signal(object)  # Path

    def __init__(self, player: PairPlayer, folder: Path, parent: QWidget) -> None:
        """`folder`: where pictures go that become references."""
        super().__init__(parent)
        self._player = player
        self._folder = folder
        self._window = parent
        self._last_folder = ""
        self._snapshots = Snapshots(self)
        self._snapshots.taken.connect(self._on_taken)
        self._snapshots.failed.connect(self.failed)

    def keep_shown(self, comparison: Comparison, purpose: Purpose) -> None:
        """Keep what is seen: one side, or the comparison."""
        pair = self._player.pair
        if pair is not None:
            self._keep(pair, what_is_shown(pair, comparison), comparison, purpose)

    def keep(self, what: What, comparison: Comparison, purpose: Purpose) -> None:
        """Keep one side or the comparison, whichever is seen."""
        pair = self._player.pair
        if pair is not None:
            self._keep(pair, what, comparison, purpose)

    def close(self) -> None:
        """Wait for the picture that is being taken."""
        self._snapshots.close()

    def _keep(self, pair: Pair, what: What, comparison: Comparison, purpose: Purpose) -> None:
        shot = Shot(
            what=what,
            before=self._frame(Side.BEFORE, pair.step),
            after=self._frame(Side.AFTER, pair.step),
            comparison=comparison,
            time_s=pair.time_s,
            heat=self._player.heat(pair.step) if comparison.shows_heat else None,
        )
        match purpose:
            case Purpose.SAVE:
                self._ask_where(shot)
            case Purpose.COPY:
                self._snapshots.take(shot, purpose)
            case Purpose.USE:
                self._snapshots.take(shot, purpose, self._new_reference(shot))

    def _frame(self, side: Side, step: int) -> Frame | None:
        path, number = self._player.path(side), self._player.frame(side, step)
        return None if path is None or number is None else Frame(path=path, number=number)

    def _ask_where(self, shot: Shot) -> None:
        # Imported when needed: it takes longer than the rest of the panel.
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self._window, self.tr("Save the frame"), self._start_folder(), "PNG (*.png)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")
        dialog.selectFile(shot.name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self._save(shot, Path(name)))
        dialog.open()

    def _start_folder(self) -> str:
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        return self._last_folder or pictures

    def _save(self, shot: Shot, path: Path) -> None:
        self._last_folder = str(path.parent)
        self._snapshots.take(shot, Purpose.SAVE, path)

    def _new_reference(self, shot: Shot) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        # A folder of its own for each: one that was taken before may be part of a draft.
        return Path(tempfile.mkdtemp(dir=self._folder)) / shot.name

    def _on_taken(self, taken: Taken) -> None:
        match taken.purpose:
            case Purpose.SAVE:
                self.said.emit(self.tr("Saved to {path}").format(path=taken.path))
            case Purpose.COPY:
                QGuiApplication.clipboard().setImage(taken.image)
                self.said.emit(
                    self.tr("Copied, {width} × {height} pixels").format(
                        width=taken.image.width(), height=taken.image.height()
                    )
                )
            case Purpose.USE:
                self.reference_made.emit(taken.path)
