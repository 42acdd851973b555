"""A frame that is saved: whole or not at all, and a file like any other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtGui import QImage

from klingstudio.domain.errors import DiskProblem
from klingstudio.media.still import full_frame
from klingstudio.ui.player.canvas.layers import image_of
from klingstudio.ui.player.snapshot import save
from tests.unit.media.numbered_clips import number_of, numbered_clip


def test_a_saved_picture_is_the_picture_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    picture = image_of(full_frame(numbered_clip(tmp_path / "clip.mp4", 3), 1)).copy()
    target = tmp_path / "saved" / "frame.png"
    target.parent.mkdir()
    target.write_text("an older one")

    save(picture, target)

    with Image.open(target) as image:
        assert number_of(lambda x, y: image.getpixel((int(x * image.width), int(y * image.height)))) == 1  # type: ignore[arg-type,return-value]
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="files there have no such permissions")
def test_a_saved_picture_is_a_file_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It counts for all threads: setting it for a moment would give files of others the wrong permissions.
    monkeypatch.delattr(os, "umask")
    picture = image_of(full_frame(numbered_clip(tmp_path / "clip.mp4", 3), 1)).copy()
    ordinary = tmp_path / "ordinary"
    ordinary.touch()

    save(picture, tmp_path / "frame.png")

    assert (tmp_path / "frame.png").stat().st_mode == ordinary.stat().st_mode


def test_a_folder_that_cannot_be_written_to_is_a_disk_problem(tmp_path: Path) -> None:
    picture = QImage(1, 1, QImage.Format.Format_RGB32)
    picture.fill(0)

    with pytest.raises(DiskProblem):
        save(picture, tmp_path / "no such folder" / "frame.png")
