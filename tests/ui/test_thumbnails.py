"""Small versions of pictures: read once, kept as long as they are worth their memory."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImageReader
from pytestqt.qtbot import QtBot

from klingstudio.domain.media import IMAGE_MAX_PIXELS
from klingstudio.ui.widgets.picture import picture_from
from klingstudio.ui.widgets.thumbnails import KeptThumbnails, read_small
from tests.fakes.drag import a_file, png
from tests.torture.media.pictures import bombs, scans_jpeg


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


def test_only_the_three_kinds_of_pictures_are_read_in_the_window(qapp: object, tmp_path: Path) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    bmp = b"BM" + bytes.fromhex("3a0000000000000036000000280000000100000001000000010018000000000004000000") + bytes(16)
    (tmp_path / "drawing.png").write_bytes(svg)
    (tmp_path / "old.png").write_bytes(bmp)

    assert read_small(tmp_path / "old.png", 64).isNull()
    assert read_small(tmp_path / "drawing.png", 64).isNull()
    assert read_small(a_file(tmp_path / "a.svg", png(8, 8)), 64).width() == 8
    assert picture_from(svg) is None
    assert picture_from(png(8, 8)) is not None


def test_what_would_keep_the_window_busy_or_fill_its_memory_is_not_read(qapp: object, tmp_path: Path) -> None:
    (tmp_path / "scans.jpg").write_bytes(scans_jpeg(2_000))

    assert read_small(tmp_path / "scans.jpg", 64).isNull()
    vast = [(name, data) for name, data in bombs() if "65535x65535" in name or "filled" in name]
    assert len(vast) == 9
    for name, data in vast:
        (tmp_path / name).write_bytes(data)
        assert read_small(tmp_path / name, 64).isNull()
    assert IMAGE_MAX_PIXELS * 4 <= QImageReader.allocationLimit() * 2**20 <= 256 * 2**20
