"""Small versions of pictures: read once, kept as long as they are worth their memory."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from klingstudio.ui.widgets.thumbnails import KeptThumbnails
from tests.fakes.drag import a_file, png


def test_a_picture_is_read_once_and_again_when_its_content_is_another(qtbot: QtBot, tmp_path: Path) -> None:
    owner = QObject()
    thumbs, path = KeptThumbnails(owner), str(a_file(tmp_path / "a.png", png(8, 8)))
    with qtbot.waitSignal(thumbs.came):
        assert thumbs.of(path, "first") is None
    first = thumbs.of(path, "first")
    assert first is not None
    assert thumbs.of(path, "first") is first

    a_file(Path(path), png(12, 8))
    with qtbot.waitSignal(thumbs.came):
        assert thumbs.of(path, "second") is first
    second = thumbs.of(path, "second")

    assert second is not None
    assert (first.width(), second.width()) == (8, 12)


def test_only_those_asked_for_last_are_kept(qtbot: QtBot, tmp_path: Path) -> None:
    owner = QObject()
    thumbs = KeptThumbnails(owner, most=2)
    paths = [str(a_file(tmp_path / f"{n}.png", png(8, 8))) for n in range(3)]
    for path in paths:
        with qtbot.waitSignal(thumbs.came):
            thumbs.of(path)

    assert [thumbs.of(path) is not None for path in reversed(paths)] == [True, True, False]
    thumbs.wait()
