from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QEvent, QMimeData, QObject, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.engine.sources import Fetched
from klingstudio.ui.models.drops import Address, carries, local_path, shown, sort_data, sort_files
from klingstudio.ui.widgets.drop import DropLight
from tests.fakes.drag import MP4, Drag, a_file, jpeg, of_files, png
from tests.fakes.studio import BARE
from tests.ui.conftest import Desk

PICTURE_URL = "https://cdn.example.org/photos/winter.jpg?w=800"


def images(desk: Desk) -> list[str]:
    return [picture.name for picture in desk.draft.pictures]


def source(desk: Desk) -> str:
    return Path(desk.draft.value.source).name


def near(desk: Desk) -> list[str]:
    """What a drop would do now."""
    return sorted({light.words for light in desk.window.drops.lights if light.is_near})


def half(desk: Desk, *, right: bool) -> QPointF:
    stage = desk.window.stage
    at = stage.rect().center()
    at.setX(stage.width() * 3 // 4 if right else stage.width() // 4)
    return QPointF(stage.mapTo(desk.window, at))


def let_go(desk: Desk, data: QMimeData) -> bool:
    """Drag something from another program and drop it in the middle of the window."""
    drag = Drag(desk.window, data=data)
    drag.enter()
    return drag.drop()


async def said(desk: Desk) -> str:
    """The next sentence about what was left out."""
    await desk.until(lambda: bool(desk.window.toast.words))
    return desk.window.toast.words


# --- one clip, some pictures ------------------------------------------------------------------------------------------


async def test_a_dropped_video_becomes_the_source(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [a_file(tmp_path / "street.mp4")])

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
    drag = Drag(desk.window, [a_file(tmp_path / "winter.jpg"), a_file(tmp_path / "sky.png")])

    drag.enter()
    verb = desk.window.references.light.words
    drag.drop()
    await desk.until(lambda: bool(desk.draft.pictures) and not desk.draft.is_reading)

    assert verb == "Add as Images 1–2"
    assert [tile.number for tile in desk.window.references.tiles()] == [1, 2]
    assert images(desk) == ["winter.jpg", "sky.png"]


async def test_a_mixed_drop_sorts_itself(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    paths = [a_file(tmp_path / name) for name in ("winter.jpg", "street.mov", "notes.pdf")]
    drag = Drag(desk.window, paths)

    drag.enter()
    verbs = near(desk)
    drag.drop()
    await desk.until(lambda: bool(desk.draft.pictures))

    assert verbs == ["Add as Image 1", "Use as source"]
    assert source(desk) == "street.mov"
    assert images(desk) == ["winter.jpg"]
    assert desk.window.toast.words == "Left out: PDF is not a video or picture"


async def test_a_file_dropped_before_the_studio_is_open_is_looked_at_later(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    drag = Drag(desk.window, [a_file(tmp_path / "street.mp4")])
    drag.enter()
    drag.drop()
    before = desk.draft.source

    desk.models.attach(desk.studio.as_studio)
    await desk.until(lambda: desk.draft.source is not None and desk.draft.source.plan is not None)

    assert before is not None
    assert before.is_reading


async def test_files_of_the_command_line_are_taken_as_if_dropped(desk: Desk, tmp_path: Path) -> None:
    desk.open()

    desk.window.take_files([a_file(tmp_path / "street.mp4"), a_file(tmp_path / "sky.png"), tmp_path / "gone.png"])

    assert source(desk) == "street.mp4"
    assert images(desk) == ["sky.png"]
    assert desk.window.toast.words == "Left out: gone.png cannot be found"


async def test_files_of_a_program_that_has_ended_meanwhile_are_taken_all_the_same(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [a_file(tmp_path / "sky.png")])
    drag.enter()

    drag.data = of_files([])
    drag.data.setText("")
    drag.drop()
    await desk.until(lambda: bool(desk.draft.pictures))

    assert images(desk) == ["sky.png"]


# --- where it is dropped decides ---------------------------------------------------------------------------------------


async def test_with_a_clip_loaded_the_place_of_the_drop_says_what_becomes_of_it(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    await desk.fill()
    first = desk.models.drafts.current
    drag = Drag(desk.window, [a_file(tmp_path / "new.mp4")], half(desk, right=False))

    drag.enter()
    on_the_left = near(desk)
    drag.move(half(desk, right=True))
    on_the_right = near(desk)
    drag.over(desk.window.source)
    on_the_card = near(desk)
    drag.move(half(desk, right=True))
    drag.drop()
    await desk.until(lambda: source(desk) == "new.mp4")

    assert (on_the_left, on_the_right, on_the_card) == (["Replace the source"], ["New draft"], ["Replace the source"])
    assert len(desk.models.drafts.ids) == 2
    assert Path(desk.models.drafts.value(first).source).name == "street.mp4"


async def test_a_drop_on_the_left_half_replaces_the_clip_and_undo_brings_it_back(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    await desk.fill()
    drag = Drag(desk.window, [a_file(tmp_path / "new.mp4")], half(desk, right=False))

    drag.enter()
    drag.drop()
    await desk.until(lambda: source(desk) == "new.mp4")
    desk.draft.undo()

    assert source(desk) == "street.mp4"
    assert len(desk.models.drafts.ids) == 1


async def test_what_is_dropped_with_a_clip_goes_into_its_new_draft(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    await desk.fill()
    desk.draft.add_pictures([a_file(tmp_path / f"{n}.png") for n in range(4)])
    first = desk.models.drafts.current
    drag = Drag(desk.window, [a_file(tmp_path / "new.mp4"), a_file(tmp_path / "sky.png")], half(desk, right=False))

    drag.enter()
    on_the_left = desk.window.references.light.words
    drag.move(half(desk, right=True))
    on_the_right = desk.window.references.light.words
    drag.drop()
    await desk.until(lambda: images(desk) == ["sky.png"])

    assert (on_the_left, on_the_right) == ("4 of 4 references used", "Add as Image 1")
    assert source(desk) == "new.mp4"
    assert len(desk.models.drafts.value(first).images) == 4


async def test_an_exported_element_goes_into_the_library(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [a_file(tmp_path / "Mia.klingelement")])

    drag.enter()
    verbs = near(desk)
    drag.drop()

    assert verbs == ["Add to the library"]
    assert await said(desk) == "Mia is in the library"
    assert [one.name for one in desk.studio.library.all()] == ["Mia"]
    assert desk.draft.value.is_blank


async def test_several_videos_open_a_draft_each(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    first = desk.models.drafts.current
    drag = Drag(desk.window, [a_file(tmp_path / f"{n}.mp4") for n in (1, 2, 3)])

    drag.enter()
    verbs = near(desk)
    drag.drop()
    await desk.until(lambda: len(desk.models.drafts.ids) == 3)

    names = [Path(desk.models.drafts.value(one).source).name for one in desk.models.drafts.ids]
    assert verbs == ["Open 3 drafts, one for each video"]
    assert names == ["1.mp4", "2.mp4", "3.mp4"]
    assert desk.models.drafts.ids[0] == first


async def test_of_very_many_videos_twenty_are_opened(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [a_file(tmp_path / f"{n:03}.mp4") for n in range(25)])

    drag.enter()
    verbs = near(desk)
    drag.drop()

    assert verbs == ["Open 20 drafts of 25, one for each video"]
    assert await said(desk) == "Left out 5 files: At most 20 videos at a time"
    assert len(desk.models.drafts.ids) == 20


async def test_a_picture_over_a_tile_takes_the_place_of_that_image_even_when_all_are_used(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.start()
    desk.draft.add_pictures([a_file(tmp_path / f"{n}.png") for n in range(4)])
    await desk.until(lambda: not desk.draft.is_reading)
    drag = Drag(desk.window, [a_file(tmp_path / "new.png")])

    drag.enter()
    beside = (near(desk), drag.move())
    tile = desk.window.references.tiles()[1]
    can_drop = drag.over(tile)
    verbs = near(desk)
    drag.drop()
    await desk.until(lambda: "new.png" in images(desk))

    assert beside == (["4 of 4 references used"], False)
    assert (verbs, can_drop) == (["Replace Image 2"], True)
    assert images(desk) == ["0.png", "new.png", "2.png", "3.png"]


async def test_pictures_over_an_element_go_to_its_places(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    mia = desk.draft.add_element("Mia", frontal=str(a_file(tmp_path / "front.png")))
    await desk.until(lambda: not desk.draft.is_reading)
    area = desk.window.references.elements
    (tile,) = area.tiles()
    slots = [area.slot_at(tile.mapToGlobal(QPointF(x, tile.height() / 2).toPoint())) for x in range(tile.width())]
    angle = next(slot for slot in slots if slot is not None and slot.element_id == mia and slot.index == 1)
    drag = Drag(desk.window, [a_file(tmp_path / "side.png"), a_file(tmp_path / "back.png")])

    drag.enter()
    can_drop = drag.over(angle.widget)
    words, elsewhere = angle.light.words, near(desk)
    drag.drop()
    await desk.until(lambda: len(desk.draft.value.elements[0].angles) == 2)

    assert can_drop
    assert words == angle.verb(2)
    assert elsewhere == []
    assert angle.light.words != words
    assert [Path(place).name for place in desk.draft.value.elements[0].angles] == ["side.png", "back.png"]
    assert images(desk) == []


async def test_where_elements_are_not_taken_the_place_says_so_before_the_drop(desk: Desk, tmp_path: Path) -> None:
    desk.studio.providers = (*desk.studio.providers, BARE)
    await desk.start()
    desk.draft.choose_provider(BARE.id)
    row = desk.window.references.elements.add
    drag = Drag(desk.window, [a_file(tmp_path / "front.png")])

    drag.enter()
    can_drop = drag.over(row)
    place = desk.window.references.elements.slot_at(row.mapToGlobal(row.rect().center()))

    assert place is not None
    assert "takes no elements" in place.light.words
    assert not can_drop
    assert not drag.drop()


# --- refused before the drop -------------------------------------------------------------------------------------------


async def test_what_cannot_be_used_is_refused_with_the_reason_before_the_drop(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [a_file(tmp_path / "notes.pdf", b"%PDF-1.7")])

    drag.enter()
    reason = desk.window.stage.light.words
    may_drop = drag.move()
    drag.over(desk.window.references)
    at_the_images = desk.window.references.light.words
    drag.over(desk.window.source)
    at_the_clip = desk.window.source.light.words
    is_taken = drag.drop()

    assert reason == "PDF is not a video or picture"
    assert at_the_images == "PDF is not an image"
    assert at_the_clip == "PDF is not a video"
    assert not may_drop
    assert not is_taken
    assert desk.draft.value.is_blank


async def test_the_lights_go_out_when_the_pointer_leaves(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    await desk.fill()
    drag = Drag(desk.window, [tmp_path / "street.mp4", tmp_path / "sky.png"])
    drag.enter()
    was_lit = [light for light in desk.window.drops.lights if light.isVisible()]

    drag.leave()

    assert len(was_lit) == 4
    assert [light for light in desk.window.drops.lights if light.words or light.isVisible()] == []


async def test_what_becomes_of_a_picture_is_said_over_the_stage_where_its_place_is_scrolled_away(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.start()
    desk.draft.add_pictures([a_file(tmp_path / "1.png"), a_file(tmp_path / "2.png")])
    desk.draft.add_element("Mia")
    desk.window.resize(640, 480)
    await desk.settle()
    drag = Drag(desk.window, [a_file(tmp_path / "sky.png")], QPointF(300, 150))

    drag.enter()

    assert desk.window.references.add.visibleRegion().isEmpty()
    assert desk.window.stage.light.words == "Add as Image 3"


class Paints(QObject):
    """Counts how often lights are painted."""

    def __init__(self, lights: tuple[DropLight, ...]) -> None:
        super().__init__()
        self.count = 0
        for light in lights:
            light.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() in {QEvent.Type.Paint, QEvent.Type.Show, QEvent.Type.Hide}
        return super().eventFilter(watched, event)


async def test_lights_are_painted_again_only_when_another_place_is_pointed_at(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    await desk.fill()
    drag = Drag(desk.window, [tmp_path / "street.mp4"], half(desk, right=False))
    drag.enter()
    await desk.settle()
    paints = Paints(desk.window.drops.lights)

    for _ in range(50):
        drag.move()
        await desk.settle()
    while_moving = paints.count
    drag.move(half(desk, right=True))
    await desk.settle()

    assert while_moving == 0
    assert paints.count > 0


async def test_what_a_tile_is_dragged_as_is_no_matter_of_the_window(desk: Desk) -> None:
    await desk.start()
    data = QMimeData()
    data.setData("application/x-klingstudio-reference", QByteArray(b"picture-1"))
    data.setText("@Image1")
    drag = Drag(desk.window, data=data)

    is_accepted = drag.enter().isAccepted()

    assert not is_accepted
    assert not drag.drop()
    assert near(desk) == []


# --- bad drops ---------------------------------------------------------------------------------------------------------


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("nothing"))


def holding(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


PAGE = b"<!DOCTYPE html><title>Log in</title>"


@pytest.mark.parametrize(
    ("name", "make", "sentence"),
    [
        ("empty.mp4", holding(b""), "empty.mp4 is empty"),
        ("page.mp4", holding(PAGE), "page.mp4 is a page of the web, not a video"),
        ("page.jpg", holding(b"\n  " + PAGE), "page.jpg is a page of the web, not a picture"),
        ("answer.png", holding(b'{"error": "gone"}'), "answer.png is a page of the web, not a picture"),
        ("photo.mp4", holding(jpeg()), "photo.mp4 is a picture, not a video"),
        ("clip.jpg", holding(MP4), "clip.jpg is a video, not a picture"),
        ("loop.png", holding(b"GIF89a"), "loop.png is not a JPEG, PNG or WebP picture"),
        ("notes.mov", holding(b"%PDF-1.7"), "notes.mov is not a video"),
        ("bomb.png", holding(png(60_000, 60_000)), "bomb.png has too many pixels: 60000×60000"),
        ("pipe.mp4", a_pipe, "pipe.mp4 is not a file"),
        ("link.mp4", a_link_to_nothing, "link.mp4 cannot be found"),
        ("folder.mp4", a_folder, "A folder without videos or pictures"),
        ("two\nlines\t.mp4", holding(b""), "two lines .mp4 is empty"),
        (f"{'long' * 30}.mp4", holding(b""), "longlonglonglonglonglong…longlonglong.mp4 is empty"),
        (os.fsdecode(b"caf\xe9.mp4"), holding(MP4), "The name of caf .mp4 has characters that cannot be read: rename it first"),
    ],
)  # fmt: skip
async def test_a_bad_file_gets_its_sentence_and_nothing_is_added(
    desk: Desk, tmp_path: Path, name: str, make: Callable[[Path], None], sentence: str
) -> None:
    await desk.start()
    make(tmp_path / name)
    data = QMimeData()
    data.setUrls([QUrl.fromEncoded(QByteArray(b"file://" + _percent(tmp_path / name)))])
    drag = Drag(desk.window, data=data)

    drag.enter()
    refused = near(desk) if not drag.move() else []
    if drag.drop():
        assert await said(desk) == sentence
    else:
        assert refused == [sentence]

    assert desk.draft.value.is_blank


def _percent(path: Path) -> bytes:
    return b"".join(b"/" if c == ord("/") else b"%%%02X" % c for c in os.fsencode(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_is_said(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    a_file(tmp_path / "secret.mp4").chmod(0)
    drag = Drag(desk.window, [tmp_path / "secret.mp4"])

    drag.enter()
    drag.drop()

    assert await said(desk) == "secret.mp4 may not be read"
    assert desk.draft.value.is_blank


async def test_a_file_that_vanishes_before_it_is_let_go_is_said(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    drag = Drag(desk.window, [a_file(tmp_path / "street.mp4"), a_file(tmp_path / "sky.png")])
    drag.enter()

    (tmp_path / "street.mp4").unlink()
    drag.drop()

    assert await said(desk) == "Left out: street.mp4 cannot be found"
    assert images(desk) == ["sky.png"]
    assert desk.draft.value.source == ""


async def test_of_a_thousand_files_those_are_taken_that_fit_and_one_sentence_counts_the_rest(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.start()
    drag = Drag(desk.window, [a_file(tmp_path / f"{n:04}.png") for n in range(1000)])

    drag.enter()
    verbs = near(desk)
    drag.drop()

    assert await said(desk) == "Left out 996 files: 4 of 4 references used"
    assert verbs == ["Add 4 of 1000 as Images 1–4"]
    assert images(desk) == ["0000.png", "0001.png", "0002.png", "0003.png"]


async def test_a_folder_is_taken_as_its_pictures_in_the_order_people_expect(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    folder = tmp_path / "Mia"
    folder.mkdir()
    for name in ("shot 10.png", "shot 2.png", "Shot 1.jpg", ".hidden.png", "notes.txt"):
        a_file(folder / name)
    drag = Drag(desk.window, [folder])

    drag.enter()
    verbs = near(desk)
    drag.drop()
    await desk.until(lambda: bool(desk.draft.pictures))

    assert verbs == ["Add as Images 1–3"]
    assert images(desk) == ["Shot 1.jpg", "shot 2.png", "shot 10.png"]


def test_of_a_large_folder_a_hundred_files_are_taken(tmp_path: Path) -> None:
    for n in range(130):
        (tmp_path / f"{n}.png").touch()

    found = sort_files([tmp_path])

    assert [path.name for path in found.pictures] == [f"{n}.png" for n in range(100)]
    assert found.reasons == ("30 more files of the folder",)


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


def test_odd_names_are_no_obstacle(tmp_path: Path) -> None:
    names = ["-rf.mp4", "ein 'Bild' \"x\".MOV", "🎬\n.mp4", "100%41.mp4"]
    paths = [tmp_path / name for name in names]

    assert [path.name for path in sort_files(paths).videos] == names
    assert [local_path(QUrl.fromLocalFile(str(path))) for path in paths] == paths


def test_a_name_is_shown_on_one_line_and_short() -> None:
    assert shown("a\u202e\n\x1b[0mb.mp4") == "a [0mb.mp4"
    assert len(shown("x" * 400)) < 50


# --- the clipboard -----------------------------------------------------------------------------------------------------


def a_bitmap(colour: str) -> QImage:
    picture = QImage(320, 240, QImage.Format.Format_RGB32)
    picture.fill(QColor(colour))
    return picture


def of_text(words: str) -> QMimeData:
    data = QMimeData()
    data.setText(words)
    return data


def of_bitmap(url: str = "", colour: str = "teal") -> QMimeData:
    data = QMimeData()
    data.setImageData(a_bitmap(colour))
    if url:
        data.setHtml(f'<a href="https://example.org/page"><img alt="x" src="{url}"></a>')
    return data


def press_paste(target: QWidget) -> None:
    target.setFocus()
    QTest.keyClick(target, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)


async def test_a_pasted_bitmap_becomes_an_image_wherever_the_keyboard_is(desk: Desk) -> None:
    await desk.start()

    QApplication.clipboard().setMimeData(of_bitmap())
    press_paste(desk.window.generate)
    await desk.until(lambda: len(desk.draft.pictures) == 1)
    QApplication.clipboard().setMimeData(of_bitmap(PICTURE_URL, "white"))
    press_paste(desk.edit)
    await desk.until(lambda: len(desk.draft.pictures) == 2)

    assert images(desk) == ["Pasted picture.png", "winter.png"]
    kept = QImage(desk.draft.value.images[0].place)
    assert kept.pixelColor(10, 10) == QColor("teal")
    assert desk.draft.prompt == ""
    assert desk.window.body.fetching.title == ""


async def test_pasted_files_are_taken_as_if_dropped_and_words_go_into_the_prompt(desk: Desk, tmp_path: Path) -> None:
    await desk.start()

    QApplication.clipboard().setMimeData(of_files([a_file(tmp_path / "sky.png"), a_file(tmp_path / "street.mp4")]))
    press_paste(desk.edit)
    await desk.until(lambda: bool(desk.draft.pictures))
    QApplication.clipboard().setMimeData(of_text("https://example.org/clip.mp4 at night"))
    press_paste(desk.edit)

    assert (source(desk), images(desk)) == ("street.mp4", ["sky.png"])
    assert desk.draft.prompt == "https://example.org/clip.mp4 at night"


async def test_words_that_are_no_address_are_not_pasted_anywhere_else(desk: Desk) -> None:
    await desk.start()
    QApplication.clipboard().setMimeData(of_text("make it snow"))

    press_paste(desk.window.generate)

    assert await said(desk) == "There is no picture, clip or address on the clipboard"
    assert desk.draft.value.is_blank


async def test_a_bitmap_that_cannot_be_kept_is_said(desk: Desk) -> None:
    await desk.start()
    data = QMimeData()
    data.setText("data:image/png;base64,!!!")

    let_go(desk, data)

    assert await said(desk) == "This picture cannot be read"
    assert desk.draft.value.is_blank


# --- from a browser ----------------------------------------------------------------------------------------------------


def of_link(url: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl(url)])
    return data


async def test_an_address_is_fetched_only_after_the_person_agreed(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.studio.web[PICTURE_URL] = Fetched(a_file(tmp_path / "winter.jpg"), is_picture=True)
    drag = Drag(desk.window, data=of_link(PICTURE_URL))

    drag.enter()
    verbs = near(desk)
    is_taken = drag.drop()
    question = desk.window.body.fetching
    await desk.settle()
    asked, before = question.title, list(desk.studio.fetched)
    button = question.button("Fetch")
    assert button is not None
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    await desk.until(lambda: bool(desk.draft.pictures))

    assert verbs == ["Add as Image 1…"]
    assert is_taken
    assert asked == "Fetch winter.jpg from cdn.example.org?"
    assert before == []
    assert desk.studio.fetched == [PICTURE_URL]
    assert images(desk) == ["winter.jpg"]
    assert question.isHidden()


async def test_a_no_fetches_nothing(desk: Desk) -> None:
    await desk.start()
    QApplication.clipboard().setMimeData(of_text("https://example.org/clip.mp4"))
    press_paste(desk.window.generate)
    question = desk.window.body.fetching
    no = question.button("No")
    assert no is not None

    has_keyboard = question.button("Fetch") is QApplication.focusWidget()
    QTest.mouseClick(no, Qt.MouseButton.LeftButton)
    await desk.settle()
    press_paste(desk.window.generate)
    asked_again = question.title
    QTest.keyClick(desk.window.windowHandle(), Qt.Key.Key_Escape)

    assert has_keyboard
    assert asked_again == "Fetch clip.mp4 from example.org?"
    assert question.isHidden()
    assert desk.studio.fetched == []
    assert desk.draft.value.is_blank


async def test_what_is_fetched_is_used_as_what_it_is(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    url = "https://example.org/download?id=7"
    desk.studio.web[url] = Fetched(a_file(tmp_path / "street.mp4"), is_picture=False)
    let_go(desk, of_link(url))
    title = desk.window.body.fetching.title

    desk.models.arrivals.agree()
    await desk.until(lambda: bool(desk.draft.value.source))

    assert title == "Fetch download from example.org?"
    assert source(desk) == "street.mp4"


async def test_fetching_shows_how_far_it_is_and_can_be_stopped(desk: Desk) -> None:
    await desk.start()
    let_go(desk, of_link("https://example.org/long.mp4"))
    desk.models.arrivals.agree()
    await desk.until(lambda: bool(desk.studio.fetched))
    question = desk.window.body.fetching
    running = question.title

    let_go(desk, of_link("https://example.org/other.mp4"))
    still = await said(desk)
    cancel = question.button("Cancel")
    assert cancel is not None
    QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
    await desk.settle()

    assert running == "Fetching long.mp4 from example.org…"
    assert still == "One at a time: long.mp4 is still being fetched"
    assert question.isHidden()
    assert desk.draft.value.is_blank


@pytest.mark.parametrize(
    ("kind", "detail", "title", "hint", "buttons"),
    [
        (
            Kind.ADDRESS_USELESS,
            "what lies there is a page",
            "There is no picture or video at this address",
            "example.org: What lies there is a page. Save the file to this computer and use that, or choose another one.",
            [None, "Close"],
        ),
        (
            Kind.ADDRESS_UNREACHABLE,
            "",
            "This address cannot be reached",
            "example.org: Check the connection.",
            ["Try again", "Close"],
        ),
    ],
)
async def test_what_cannot_be_fetched_is_said_at_the_question(
    desk: Desk, kind: Kind, detail: str, title: str, hint: str, buttons: list[str | None]
) -> None:
    await desk.start()
    url = "https://example.org/clip.mp4"
    desk.studio.web[url] = InputRefused(kind, detail)
    let_go(desk, of_link(url))
    question = desk.window.body.fetching

    desk.models.arrivals.agree()
    await desk.until(lambda: question.title == title)

    shown_buttons = [button.text() if (button := question.button(words)) else None for words in ("Try again", "Close")]
    assert question.hint == hint
    assert shown_buttons == buttons
    assert desk.draft.value.is_blank


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.org/clip.mp4", "Only https addresses are fetched"),
        ("https://ada:secret@example.org/clip.mp4", "An address with a password in it is not fetched"),
    ],
)
async def test_an_address_that_is_not_fetched_is_refused_before_the_drop(desk: Desk, url: str, reason: str) -> None:
    await desk.start()
    drag = Drag(desk.window, data=of_link(url))

    drag.enter()

    assert near(desk) == [reason]
    assert not drag.drop()


def test_the_picture_of_a_page_is_meant_and_not_the_page_it_leads_to() -> None:
    data = of_link("https://example.org/page.html")
    data.setHtml(
        '<a href="https://example.org/page.html"><img class=x src="https://img.example.org/a.png?b=1&amp;c=2"/></a>'
    )

    assert sort_data(data).address == "https://img.example.org/a.png?b=1&c=2"


def test_a_picture_inside_an_address_is_taken_as_it_is() -> None:
    data = of_text("data:image/png;base64," + base64.b64encode(png()).decode())

    found = sort_data(data)

    assert (found.bitmap, found.pixels) == ("Pasted picture", png())


def test_a_bitmap_is_asked_of_the_other_program_only_when_it_is_let_go() -> None:
    assert sort_data(of_bitmap(), is_glance=True).pixels is None
    assert isinstance(sort_data(of_bitmap()).pixels, QImage)


def test_an_address_is_shown_so_that_a_lookalike_is_seen() -> None:
    assert Address("https://ехample.org/a.jpg").host.startswith("xn--")
    assert Address(f"https://{'a.' * 120}evil.example/a.jpg").host.endswith("evil.example")
    assert Address("https://example.org/%2e%2e/a%0Ab%E2%80%AE.jpg").name == "a b .jpg"


def test_words_are_no_matter_of_the_window() -> None:
    assert not carries(of_text("make it snow"))
    assert not carries(of_text("https://example.org/a.mp4 and https://example.org/b.mp4"))
    assert carries(of_text(" https://example.org/a.mp4\n"))
