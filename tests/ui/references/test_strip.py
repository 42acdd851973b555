"""The strip of images: what a tile says, what helps, and the ways to another order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QChildEvent, QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import InputRefused, Kind, Problem
from klingstudio.domain.media import ImageFacts, PictureEdit
from klingstudio.ui.references.image_tile import ImageTile
from klingstudio.ui.references.image_words import short
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.reference_drag import reference_data
from tests.fakes.drag import Drag, a_file, png
from tests.fakes.studio import BARE, FREE
from tests.ui.conftest import Desk

FOLDER = Path("/pictures")
ALT = Qt.KeyboardModifier.AltModifier


def facts(width: int = 800, height: int = 600, **more: Any) -> ImageFacts:
    usual: dict[str, Any] = {"format": "jpeg", "width_px": width, "height_px": height, "size_bytes": 90_000}
    return ImageFacts(**usual | more)


async def with_images(desk: Desk, **measured: ImageFacts) -> tuple[ImageTile, ...]:
    """The studio is open and these are its images: `winter=facts(…)` is winter.jpg."""
    await desk.start()
    desk.studio.media.pictures.update({f"{name}.jpg": found for name, found in measured.items()})
    desk.draft.add_pictures([FOLDER / f"{name}.jpg" for name in measured])
    await desk.until(lambda: not desk.draft.is_reading)
    return desk.window.references.tiles()


def names(desk: Desk) -> list[str]:
    return [Path(picture.name).stem for picture in desk.draft.pictures]


def words(buttons: Sequence[Button]) -> list[str]:
    return [button.text() for button in buttons]


def middle(tile: QWidget, share: float = 0.5) -> QPointF:
    """A point on a tile, in its strip."""
    return QPointF(tile.x() + tile.width() * share, tile.y() + tile.height() / 2)


# what a tile says


async def test_a_tile_says_which_image_it_is_and_how_large(desk: Desk) -> None:
    winter, light = await with_images(desk, winter=facts(), light=facts(1600, 900, format="webp"))

    assert (winter.number, winter.face.size, winter.problem) == (1, "800×600", "")
    assert winter.accessibleName() == "Image 1, winter.jpg, 800×600"
    assert light.face.size == "1600×900 · converted"
    assert not winter.fixes()


@pytest.mark.parametrize(
    ("found", "remark", "fixes"),
    [
        (facts(200, 180), "Too small", ["Enlarge"]),
        (facts(149, 149), "Too small", ["Replace…"]),
        (facts(900, 300), "Too narrow", ["Crop…", "Add bars"]),
        (facts(200, 1000), "Too small", ["Add bars"]),
        (facts(size_bytes=10_000_001), "File is too large", ["Make smaller"]),
    ],
)
async def test_what_would_be_refused_is_said_at_the_tile_with_what_helps(
    found: ImageFacts, remark: str, fixes: list[str], desk: Desk
) -> None:
    (tile,) = await with_images(desk, picture=found)

    assert tile.problem == remark
    assert tile.face.tone == "bad"
    # As many as there is room for; the others are in the menu.
    assert words(tile.fixes())[: len(fixes)] == fixes
    problem = desk.draft.problem()
    assert problem is not None


@pytest.mark.parametrize(
    ("kind", "remark", "fixes"),
    [
        (Kind.IMAGE_MISSING, "Cannot be found", ["Replace…"]),
        (Kind.IMAGE_UNREADABLE, "Cannot be opened", ["Replace…"]),
        (Kind.IMAGE_TOO_LARGE, "Too many pixels", ["Replace…"]),
    ],
)
async def test_a_file_that_cannot_be_used_can_be_replaced(
    kind: Kind, remark: str, fixes: list[str], desk: Desk
) -> None:
    await desk.start()
    desk.studio.media.pictures["winter.jpg"] = InputRefused(kind, "winter.jpg")
    desk.draft.add_pictures([FOLDER / "winter.jpg"])
    desk.draft.replace_prompt("As in @Image1")
    await desk.until(lambda: not desk.draft.is_reading)
    tile = desk.window.references.tiles()[0]
    said = tile.problem, words(tile.fixes())[:1]

    QTest.mouseClick(tile.fixes()[0], Qt.MouseButton.LeftButton)
    dialog = desk.window.references.findChild(QFileDialog, "replaceImage")
    assert dialog is not None
    dialog.fileSelected.emit(str(FOLDER / "light.jpg"))
    dialog.close()
    await desk.until(lambda: not desk.draft.is_reading)

    assert said == (remark, fixes)
    assert names(desk) == ["light"]
    assert desk.window.references.tiles() == (tile,)
    assert tile.problem == ""
    assert desk.draft.prompt == "As in @Image1"


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.startswith("image")])
def test_the_words_on_a_tile_are_few(kind: Kind) -> None:
    remark = short(Problem(kind=kind, detail="Image 4" if kind is Kind.IMAGE_DUPLICATE else "winter.jpg"))

    assert 0 < len(remark) <= 18
    assert remark[0].isupper()


async def test_the_same_picture_twice_is_mentioned_and_stops_nothing(desk: Desk) -> None:
    _, light, copy = await with_images(desk, winter=facts(sha256="a"), light=facts(sha256="b"), copy=facts(sha256="a"))
    said = copy.problem, copy.face.tone, light.problem

    QTest.mouseClick(copy.fixes()[0], Qt.MouseButton.LeftButton)

    assert said == ("Same as Image 1", "warning", "")
    assert names(desk) == ["winter", "light"]


async def test_images_and_elements_share_one_count(desk: Desk) -> None:
    await with_images(desk, winter=facts(), light=facts())
    panel = desk.window.references
    desk.draft.add_element("Mia", "/pictures/mia.jpg")
    three = panel.count_words, panel.add.isEnabled()

    desk.draft.add_element("Rex", "/pictures/rex.jpg")

    assert three == ("3 of 4", True)
    assert (panel.count_words, panel.add.isEnabled()) == ("4 of 4", False)
    assert panel.add.toolTip() == "4 of 4 references used"


# what helps


async def test_a_fix_is_made_of_the_own_file_and_is_one_step_of_undo(desk: Desk) -> None:
    (tile,) = await with_images(desk, winter=facts(200, 180))
    desk.studio.pictures.goes_on.clear()
    button = tile.fixes()[0]
    button.setFocus()

    QTest.keyClick(button, Qt.Key.Key_Space)
    await desk.until(lambda: bool(desk.studio.pictures.asked))
    await desk.settle()
    meanwhile = tile.problem, tile.face.tone, words(tile.fixes())
    can_be_seen = tile.fixes()[0].visibleRegion().boundingRect().size() == tile.fixes()[0].size()
    desk.studio.pictures.goes_on.set()
    await desk.until(lambda: desk.draft.pictures[0].made is not None and not desk.draft.is_reading)
    after = tile.face
    desk.draft.undo()

    assert desk.studio.pictures.asked == [
        (FOLDER / "winter.jpg", PictureEdit(least_px=300, max_bytes=10_000_000)),
    ]
    assert meanwhile == ("Editing…", "secondary", ["Cancel"])
    assert can_be_seen
    assert (after.name, after.size.partition(" · ")[2]) == ("winter.jpg", "edited")
    assert tile.hasFocus()
    assert desk.draft.pictures[0].place == str(FOLDER / "winter.jpg")
    assert desk.draft.pictures[0].made is None


async def test_an_edit_can_be_stopped(desk: Desk) -> None:
    (tile,) = await with_images(desk, winter=facts(900, 300))
    desk.studio.pictures.goes_on.clear()
    desk.models.edits.make_legal(desk.draft.pictures[0].id)
    await desk.until(lambda: bool(desk.studio.pictures.asked))

    QTest.mouseClick(tile.fixes()[0], Qt.MouseButton.LeftButton)
    desk.studio.pictures.goes_on.set()
    await desk.settle()

    assert tile.problem == "Too narrow"
    assert desk.draft.pictures[0].made is None


async def test_an_edit_that_fails_is_said_and_leaves_the_picture_as_it_was(desk: Desk) -> None:
    (tile,) = await with_images(desk, winter=facts(900, 300))
    desk.studio.pictures.refuses = InputRefused(Kind.IMAGE_MISSING, "winter.jpg")

    desk.models.edits.make_legal(desk.draft.pictures[0].id)
    await desk.until(desk.window.messages.isVisible)

    assert tile.problem == "Too narrow"
    assert desk.draft.pictures[0].made is None


@pytest.mark.parametrize("change", ["remove", "replace", "another tab"])
async def test_an_edit_of_a_picture_that_is_another_one_by_now_is_given_up(change: str, desk: Desk) -> None:
    await with_images(desk, winter=facts(900, 300))
    (picture,) = desk.draft.pictures
    desk.studio.pictures.goes_on.clear()
    desk.models.edits.make_legal(picture.id)
    await desk.until(lambda: bool(desk.studio.pictures.asked))

    match change:
        case "remove":
            desk.draft.remove_reference(picture.id)
        case "replace":
            desk.draft.replace_picture(picture.id, FOLDER / "light.jpg")
        case _:
            desk.draft.load(desk.draft.begin())
    value = desk.draft.value
    desk.studio.pictures.goes_on.set()
    await desk.settle()

    assert not desk.models.edits.is_under_way(picture.id)
    assert desk.draft.value == value


# another order


async def test_alt_and_an_arrow_move_the_image_and_its_tokens_follow(desk: Desk) -> None:
    winter, _, _ = await with_images(desk, winter=facts(), light=facts(), sky=facts())
    desk.draft.replace_prompt("@Image1 and @Image2")
    winter.setFocus()

    QTest.keyClick(winter, Qt.Key.Key_Right, ALT)
    QTest.keyClick(winter, Qt.Key.Key_Right, ALT)
    QTest.keyClick(winter, Qt.Key.Key_Right, ALT)

    assert names(desk) == ["light", "sky", "winter"]
    assert winter.number == 3
    assert winter.hasFocus()
    assert desk.draft.prompt == "@Image3 and @Image1"
    assert [tile.number for tile in desk.window.references.tiles()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("carried", "over", "share", "wanted"),
    [
        ("winter", "light", 0.8, ["light", "winter", "sky"]),
        ("winter", "sky", 0.8, ["light", "sky", "winter"]),
        ("winter", "light", 0.2, ["winter", "light", "sky"]),
        ("sky", "winter", 0.2, ["sky", "winter", "light"]),
        ("sky", "winter", 0.8, ["winter", "sky", "light"]),
        ("sky", "sky", 0.9, ["winter", "light", "sky"]),
    ],
)
async def test_a_dragged_image_goes_where_the_line_was(
    carried: str, over: str, share: float, wanted: list[str], desk: Desk
) -> None:
    await with_images(desk, winter=facts(), light=facts(), sky=facts())
    panel = desk.window.references
    order = names(desk)
    carried_id, tile = desk.draft.pictures[order.index(carried)].id, panel.tiles()[order.index(over)]
    drag = Drag(panel, data=reference_data(carried_id), at=middle(tile, share))

    drag.enter()
    would_take = drag.move()
    was_marked = panel.marker.isVisible()
    is_taken = drag.drop()

    assert (would_take, was_marked, is_taken) == (True, True, True)
    assert names(desk) == wanted
    assert not panel.marker.isVisible()
    assert (desk.draft.undo_label == "move the image") is (wanted != order)


async def test_the_line_stands_in_the_row_of_the_pointer(desk: Desk) -> None:
    winter, light, sky = await with_images(desk, winter=facts(), light=facts(), sky=facts())
    panel = desk.window.references
    marked = []

    for tile, share in ((winter, 0.2), (light, 0.2), (light, 0.9), (sky, 0.2)):
        drag = Drag(panel, data=reference_data(desk.draft.pictures[0].id), at=middle(tile, share))
        drag.enter()
        drag.move()
        marked.append((panel.marker.x(), panel.marker.y()))
        drag.leave()

    assert [y for _, y in marked] == [winter.y(), winter.y(), light.y(), sky.y()]
    assert marked[0][0] < winter.x() + 5
    assert winter.geometry().right() < marked[1][0] < light.x()
    assert marked[2][0] > light.geometry().center().x()
    assert not panel.marker.isVisible()


async def test_files_over_the_strip_are_left_to_the_window(desk: Desk, tmp_path: Path) -> None:
    await with_images(desk, winter=facts())
    panel = desk.window.references
    files = Drag(panel, [a_file(tmp_path / "a.png")], QPointF(20, 20))
    nobody = Drag(panel, data=reference_data("nobody"), at=QPointF(20, 20))

    is_taken = files.enter().isAccepted() and files.drop()
    await desk.until(lambda: len(desk.draft.pictures) == 2)

    assert is_taken
    assert not nobody.enter().isAccepted()
    assert not nobody.drop()
    assert names(desk) == ["winter", "a"]


def test_a_pull_at_a_tile_carries_it_and_is_no_click(qtbot: QtBot) -> None:
    tile = ImageTile()
    qtbot.addWidget(tile)
    tile.resize(120, 110)
    tile.show()
    heard: list[str] = []
    tile.drag_wanted.connect(lambda: heard.append("drag"))
    tile.clicked.connect(lambda: heard.append("click"))
    start, end = tile.rect().center(), tile.rect().center()
    end.setX(end.x() + QApplication.startDragDistance())

    QTest.mousePress(tile, Qt.MouseButton.LeftButton, pos=start)
    _move_held(tile, end)
    QTest.mouseRelease(tile, Qt.MouseButton.LeftButton, pos=end)

    assert heard == ["drag"]


def _move_held(tile: QWidget, to: QPoint) -> None:
    """QTest moves the mouse only with no button held."""
    left = Qt.MouseButton.LeftButton
    at = QPointF(to)
    event = QMouseEvent(
        QEvent.Type.MouseMove, at, QPointF(tile.mapToGlobal(to)), Qt.MouseButton.NoButton, left, Qt.KeyboardModifier(0)
    )
    QApplication.sendEvent(tile, event)


# taking away, inserting, looking


async def test_a_removed_image_comes_back_with_undo(desk: Desk) -> None:
    winter, light = await with_images(desk, winter=facts(), light=facts())
    desk.draft.replace_prompt("@Image1 and @Image2")
    winter.setFocus()

    QTest.keyClick(winter, Qt.Key.Key_Delete)
    left = names(desk), light.hasFocus(), light.number
    desk.draft.undo()

    assert left == (["light"], True, 1)
    assert names(desk) == ["winter", "light"]
    assert desk.draft.prompt == "@Image1 and @Image2"


async def test_a_double_click_inserts_once(desk: Desk) -> None:
    winter, _ = await with_images(desk, winter=facts(), light=facts())

    QTest.mouseClick(winter, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(winter, Qt.MouseButton.LeftButton)
    once = desk.draft.prompt
    QTest.keyClick(winter, Qt.Key.Key_Return)

    assert once.split() == ["@Image1"]
    assert desk.draft.prompt.split() == ["@Image1", "@Image1"]


async def test_space_shows_the_picture_larger_until_a_key(desk: Desk, tmp_path: Path) -> None:
    image = QImage(640, 480, QImage.Format.Format_RGB32)
    image.fill(QColor("teal"))
    image.save(str(tmp_path / "winter.png"))
    await desk.start()
    desk.draft.add_pictures([tmp_path / "winter.png"])
    await desk.until(lambda: desk.window.references.tiles()[0].picture is not None)
    tile = desk.window.references.tiles()[0]

    QTest.keyClick(tile, Qt.Key.Key_Space)
    large = desk.window.references.findChild(QWidget, "largePicture")
    assert large is not None
    shown = large.isVisible(), large.accessibleName(), large.width() > 2 * tile.width()
    QTest.keyClick(large, Qt.Key.Key_Escape)

    assert shown == (True, "1  winter.png  800×600", True)
    assert not large.isVisible()
    assert desk.draft.prompt == ""


async def test_the_menu_has_everything_and_says_why_a_line_is_grey(desk: Desk) -> None:
    await with_images(desk, winter=facts(), light=facts(200, 180))
    panel, ids = desk.window.references, [picture.id for picture in desk.draft.pictures]

    first = {action.text().partition("\t")[0]: action for action in panel.menu(ids[0]).actions() if action.text()}
    second = [action.text().partition("\t")[0] for action in panel.menu(ids[1]).actions()]
    first["Copy the path"].trigger()
    first["Make an element of it"].trigger()

    assert first["Insert @Image1"].text().endswith("\tEnter")
    assert not first["Move left"].isEnabled()
    assert first["Move left"].toolTip() == "It is the first"
    assert first["Move right"].isEnabled()
    assert "Enlarge" in second
    assert "Use the original" not in second
    assert QApplication.clipboard().text() == str(FOLDER / "winter.jpg")
    assert desk.window.toast.words == "The path is copied"
    assert [figure.name for figure in desk.draft.figures] == ["winter"]
    assert names(desk) == ["light"]


async def test_a_provider_without_elements_makes_none_of_an_image(desk: Desk) -> None:
    desk.studio.providers = (BARE, FREE)
    await with_images(desk, winter=facts())
    desk.draft.choose_provider(BARE.id)

    lines = desk.window.references.menu(desk.draft.pictures[0].id).actions()

    line = next(action for action in lines if action.text() == "Make an element of it")
    assert not line.isEnabled()
    assert line.toolTip() == "Bare takes no elements"


async def test_the_original_can_be_had_back(desk: Desk) -> None:
    await with_images(desk, winter=facts(900, 300))
    picture_id = desk.draft.pictures[0].id
    desk.models.edits.make_legal(picture_id)
    await desk.until(lambda: desk.draft.pictures[0].made is not None)

    lines = desk.window.references.menu(picture_id).actions()
    next(action for action in lines if action.text() == "Use the original").trigger()

    assert desk.draft.pictures[0].made is None
    assert desk.draft.pictures[0].place == str(FOLDER / "winter.jpg")


async def test_a_reference_that_is_asked_for_is_lit_and_scrolled_to(desk: Desk) -> None:
    tiles = await with_images(desk, a=facts(900, 300), b=facts(900, 300), c=facts(900, 300), d=facts())
    desk.window.resize(1200, 480)
    await desk.settle()
    area = next(one for one in desk.window.findChildren(QScrollArea) if one.isAncestorOf(tiles[3]))
    area.verticalScrollBar().setValue(0)
    before = tiles[3].visibleRegion().boundingRect().height()

    desk.draft.flash_wanted.emit(desk.draft.pictures[3].id)

    assert before < tiles[3].height()
    assert tiles[3].visibleRegion().boundingRect().height() == tiles[3].height()
    assert [tile.is_lit for tile in tiles] == [False, False, False, True]
    await desk.until(lambda: not tiles[3].is_lit)


async def test_the_tile_under_a_point_of_the_screen_is_found(desk: Desk) -> None:
    winter, light = await with_images(desk, winter=facts(), light=facts())
    panel = desk.window.references

    assert panel.tile_at(light.mapToGlobal(light.rect().center())) == (desk.draft.pictures[1].id, light)
    assert panel.tile_at(winter.mapToGlobal(winter.rect().bottomLeft() * 3)) is None


async def test_a_file_that_changes_or_vanishes_meanwhile_is_noticed_on_coming_back(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    media, path = desk.studio.media, a_file(tmp_path / "winter.png")
    desk.draft.add_pictures([path])
    await desk.until(lambda: not desk.draft.is_reading)
    (tile,) = desk.window.references.tiles()
    await come_back(desk)
    unchanged = tile.face.size

    a_file(path, png(9, 9))
    media.pictures["winter.png"] = facts(900, 700)
    await come_back(desk)
    await desk.until(lambda: tile.face.size == "900×700")
    path.unlink()
    media.pictures["winter.png"] = InputRefused(Kind.IMAGE_MISSING, "winter.png")
    await come_back(desk)
    await desk.until(lambda: tile.problem == "Cannot be found")

    assert unchanged == "800×600"
    assert words(tile.fixes())[:1] == ["Replace…"]


async def test_a_file_that_changed_while_it_was_in_no_draft_on_screen_is_read_anew(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    path = a_file(tmp_path / "winter.png")
    desk.draft.add_pictures([path])
    await desk.until(lambda: not desk.draft.is_reading)
    desk.models.files.wait()
    await desk.settle()

    first = desk.draft.history
    desk.draft.load(desk.draft.begin())
    a_file(path, png(9, 9))
    desk.studio.media.pictures["winter.png"] = facts(900, 700)
    desk.draft.load(first)

    await desk.until(lambda: desk.window.references.tiles()[0].face.size == "900×700")


class Paints(QObject):
    """Counts how often widgets are painted or laid out anew."""

    def __init__(self, watched: Sequence[QWidget]) -> None:
        super().__init__()
        self.count = 0
        for widget in watched:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() in {QEvent.Type.Paint, QEvent.Type.LayoutRequest, QEvent.Type.Resize}
        return super().eventFilter(watched, event)


async def test_neither_typing_nor_news_of_nothing_touches_the_tiles(desk: Desk) -> None:
    tiles = await with_images(desk, winter=facts(900, 300), light=facts())
    desk.draft.add_element("Mia", "/pictures/mia.png", ["/pictures/left.png"])
    await desk.until(lambda: not desk.draft.is_reading)
    panel = desk.window.references
    await desk.settle()
    QTest.qWait(0)
    paints = Paints([panel, *tiles, *panel.element_tiles(), *panel.element_tiles()[0].slots])

    for word in ("Make", "Make it", "Make it snow"):
        desk.draft.replace_prompt(word)
        await desk.settle()
    desk.draft.pictures_changed.emit()
    desk.models.library.changed.emit()
    await desk.settle()

    assert paints.count == 0


async def test_what_is_in_the_hand_is_not_part_of_the_tile_it_was_taken_from(desk: Desk) -> None:
    winter, _ = await with_images(desk, winter=facts(), light=facts())
    started: list[QObject] = []

    class Listener(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.ChildAdded and isinstance(event, QChildEvent):
                started.append(event.child())
            return super().eventFilter(watched, event)

    listener = Listener()
    winter.installEventFilter(listener)
    winter.drag_wanted.emit()

    # Dropped where it becomes something else, the tile is deleted while the drag still goes on.
    assert started == []


async def come_back(desk: Desk) -> None:
    """The person was in another program."""
    await desk.settle()
    QApplication.sendEvent(desk.window, QEvent(QEvent.Type.ActivationChange))
    await desk.settle()
