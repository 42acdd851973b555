from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QUrl

from klingstudio.ui.models.drops import sort_files, sort_urls
from tests.fakes.drag import Drag
from tests.ui.conftest import Desk


async def test_a_dropped_video_becomes_the_source(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [tmp_path / "street.mp4"])

    drag.enter()
    verb = desk.window.source.light.words
    is_taken = drag.drop()
    await desk.until(lambda: desk.draft.source is not None and desk.draft.source.plan is not None)

    assert verb == "Use as source"
    assert is_taken
    assert desk.draft.source is not None
    assert desk.draft.source.path == tmp_path / "street.mp4"
    assert desk.window.source.light.words == ""


async def test_dropped_pictures_become_numbered_references(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [tmp_path / "winter.jpg", tmp_path / "sky.png"])

    drag.enter()
    verb = desk.window.references.light.words
    drag.drop()
    await desk.until(lambda: not desk.draft.is_reading)

    assert verb == "Add as Images 1–2"
    assert [tile.number for tile in desk.window.references.tiles()] == [1, 2]
    assert [picture.name for picture in desk.draft.pictures] == ["winter.jpg", "sky.png"]


async def test_a_mixed_drop_sorts_itself(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [tmp_path / "winter.jpg", tmp_path / "street.mov", tmp_path / "notes.pdf"])

    drag.enter()
    drag.drop()
    await desk.until(lambda: not desk.draft.is_reading)

    assert desk.draft.source is not None
    assert desk.draft.source.path.name == "street.mov"
    assert [picture.name for picture in desk.draft.pictures] == ["winter.jpg"]
    assert desk.window.toast.words == "Left out: PDF is not a video or picture"


async def test_what_cannot_be_used_is_refused_with_the_reason_before_the_drop(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    (tmp_path / "notes.pdf").write_bytes(b"%PDF-1.7")
    drag = Drag(desk.window, [tmp_path / "notes.pdf"])

    drag.enter()
    reason = desk.window.stage.light.words
    may_drop = drag.move()
    is_taken = drag.drop()

    assert reason == "PDF is not a video or picture"
    assert not may_drop
    assert not is_taken
    assert desk.draft.source is None


async def test_a_fifth_picture_is_refused_with_the_count(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.draft.add_pictures([tmp_path / f"{n}.png" for n in range(4)])
    drag = Drag(desk.window, [tmp_path / "fifth.png"])

    drag.enter()

    assert desk.window.references.light.words == "4 of 4 references used"
    assert not drag.move()


async def test_the_light_goes_out_when_the_pointer_leaves(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [tmp_path / "street.mp4"])
    drag.enter()

    drag.leave()

    assert desk.window.stage.light.words == ""
    assert not desk.window.stage.light.isVisible()


async def test_a_file_dropped_before_the_studio_is_open_is_looked_at_later(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    drag = Drag(desk.window, [tmp_path / "street.mp4"])
    drag.enter()
    drag.drop()
    before = desk.draft.source

    desk.models.attach(desk.studio.as_studio)
    await desk.until(lambda: desk.draft.source is not None and desk.draft.source.plan is not None)

    assert before is not None
    assert before.is_reading


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("notes.pdf", b"%PDF-1.7", "PDF is not a video or picture"),
        ("song.mp3", b"ID3", "MP3 is not a video or picture"),
        ("loop.gif", b"GIF89a", "GIF is not a JPEG, PNG or WebP picture"),
        ("no suffix", b"words", "This file is not a video or picture"),
    ],
)
def test_the_reason_names_the_type(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)

    assert sort_files([tmp_path / name]).reason == reason


def test_a_folder_is_no_clip(tmp_path: Path) -> None:
    assert sort_files([tmp_path]).reason == "A folder is not a video or picture"


def test_an_address_of_the_web_is_not_fetched() -> None:
    assert "on the web" in sort_urls([QUrl("https://example.org/street.mp4")]).reason


def test_odd_names_are_no_obstacle(tmp_path: Path) -> None:
    names = ["-rf.mp4", "ein 'Bild' \"x\".MOV", "🎬\n.mp4"]

    assert [path.name for path in sort_files([tmp_path / name for name in names]).videos] == names
