"""The dialog that crops, turns and pads a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import ImageFacts, PictureEdit
from klingstudio.ui.dialogs.crop import CropDialog
from klingstudio.ui.widgets.crop_view import CropView
from tests.ui.conftest import Desk

SHIFT = Qt.KeyboardModifier.ShiftModifier
MOST_BYTES = 10_000_000


def a_picture(path: Path, width: int, height: int) -> Path:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("teal"))
    image.save(str(path))
    return path


async def with_picture(desk: Desk, folder: Path, width: int = 800, height: int = 600, **more: Any) -> Path:
    """The studio is open and has one image of this size."""
    await desk.start()
    path = a_picture(folder / "winter.png", width, height)
    usual: dict[str, Any] = {"format": "png", "width_px": width, "height_px": height, "size_bytes": 90_000}
    desk.studio.media.pictures["winter.png"] = ImageFacts(**usual | more)
    desk.draft.add_pictures([path])
    await desk.until(lambda: not desk.draft.is_reading)
    return path


async def opened(desk: Desk) -> CropDialog:
    """The dialog, as the menu of the tile opens it."""
    desk.window.references.crop_wanted.emit(desk.draft.pictures[0].id)
    dialog = desk.window.findChild(CropDialog)
    assert dialog is not None
    await desk.until(lambda: dialog.apply.isEnabled() or dialog.fit_words.text() != "")
    return dialog


async def asked(desk: Desk, count: int = 1) -> PictureEdit:
    """The edit that was carried out last."""
    await desk.until(lambda: len(desk.studio.pictures.asked) == count)
    await desk.until(lambda: not desk.models.edits.is_under_way(desk.draft.pictures[0].id))
    return desk.studio.pictures.asked[-1][1]


def drag(view: QWidget, start: QPointF, end: QPointF) -> None:
    """Press, move and let go with the left button; QTest moves with no button held."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for kind, at, button, held in (
        (QEvent.Type.MouseButtonPress, start, left, left),
        (QEvent.Type.MouseMove, (start + end) / 2, none, left),
        (QEvent.Type.MouseMove, end, none, left),
        (QEvent.Type.MouseButtonRelease, end, left, none),
    ):
        where = QPointF(view.mapToGlobal(at.toPoint()))
        QApplication.sendEvent(view, QMouseEvent(kind, at, where, button, held, Qt.KeyboardModifier.NoModifier))


async def test_a_picture_is_turned_and_cropped_with_keys_alone(desk: Desk, tmp_path: Path) -> None:
    origin = await with_picture(desk, tmp_path)
    dialog = await opened(desk)
    view = dialog.view

    QTest.keyClick(view, Qt.Key.Key_R)
    for _ in range(10):
        QTest.keyClick(view, Qt.Key.Key_Up, SHIFT)
    for _ in range(5):
        QTest.keyClick(view, Qt.Key.Key_Down)
    words = dialog.size_words.text(), dialog.fit_words.text()
    QTest.keyClick(view, Qt.Key.Key_Return)
    edit = await asked(desk)

    assert desk.studio.pictures.asked[0][0] == origin
    assert (edit.turn_deg, edit.left, edit.right) == (90, 0.0, 1.0)
    assert (edit.top, edit.bottom) == (pytest.approx(0.05), pytest.approx(0.95))
    assert edit.max_bytes == MOST_BYTES
    assert words == ("600×720 px", "Fits Sandbox")
    assert not dialog.isVisible()
    assert desk.draft.pictures[0].made is not None
    assert desk.draft.undo_label == "edit the image"
    desk.draft.undo()
    assert desk.draft.pictures[0].place == str(origin)


async def test_escape_leaves_the_picture_as_it_is(desk: Desk, tmp_path: Path) -> None:
    await with_picture(desk, tmp_path)
    before = desk.draft.value
    dialog = await opened(desk)

    QTest.keyClick(dialog.view, Qt.Key.Key_R, SHIFT)
    QTest.keyClick(dialog.view, Qt.Key.Key_Escape)

    assert not dialog.isVisible()
    assert desk.draft.value == before
    assert desk.studio.pictures.asked == []


async def test_opened_again_it_begins_with_the_earlier_edit_of_the_own_file(desk: Desk, tmp_path: Path) -> None:
    origin = await with_picture(desk, tmp_path)
    dialog = await opened(desk)
    QTest.keyClick(dialog, Qt.Key.Key_R)
    QTest.mouseClick(dialog.shapes["1:1"], Qt.MouseButton.LeftButton)
    QTest.mouseClick(dialog.apply, Qt.MouseButton.LeftButton)
    first = await asked(desk)

    await opened(desk)
    shown = dialog.view.frame
    QTest.keyClick(dialog, Qt.Key.Key_R)
    dialog.apply.click()
    second = await asked(desk, 2)
    await opened(desk)
    dialog.original.click()
    dialog.apply.click()

    assert (shown.top(), shown.bottom()) == (pytest.approx(first.top), pytest.approx(first.bottom))
    assert [path for path, _ in desk.studio.pictures.asked] == [origin, origin]
    assert (first.turn_deg, second.turn_deg) == (90, 180)
    assert desk.draft.pictures[0].made is None
    assert desk.draft.pictures[0].place == str(origin)


@pytest.mark.parametrize(
    ("shape", "words"),
    [("Original", "800×600 px"), ("1:1", "600×600 px"), ("16:9", "800×450 px"), ("9:16", "338×600 px")],
)
async def test_a_shape_is_as_large_as_it_can_be(shape: str, words: str, desk: Desk, tmp_path: Path) -> None:
    await with_picture(desk, tmp_path)
    dialog = await opened(desk)

    # None of those tried before makes the next one smaller.
    for tried in ("9:16", "16:9", shape):
        QTest.mouseClick(dialog.shapes[tried], Qt.MouseButton.LeftButton)

    assert dialog.size_words.text() == words
    assert dialog.shapes[shape].isChecked()


async def test_what_the_provider_would_refuse_is_said_while_the_frame_moves(desk: Desk, tmp_path: Path) -> None:
    await with_picture(desk, tmp_path, 1000, 200)
    dialog = await opened(desk)
    narrow = dialog.fit_words.text()

    dialog.fit.click()
    cropped = dialog.size_words.text(), dialog.fit_words.text()
    dialog.shapes["Original"].click()
    dialog.bars.click()
    padded = dialog.size_words.text(), dialog.fit_words.text()
    dialog.apply.click()
    edit = await asked(desk)

    assert narrow.startswith("This picture is too small: 1000×200 px")
    assert cropped == ("498×200 → 747×300 px, enlarged", "Fits Sandbox")
    assert padded == ("1000×400 px", "Fits Sandbox")
    assert edit == PictureEdit(pad_ratio=2.5, max_bytes=MOST_BYTES)


async def test_bars_and_crop_to_fit_are_grey_with_a_reason_where_the_shape_fits(desk: Desk, tmp_path: Path) -> None:
    await with_picture(desk, tmp_path)
    dialog = await opened(desk)

    assert not dialog.fit.isEnabled()
    assert dialog.fit.toolTip() == "This shape fits already"
    assert not dialog.bars.isEnabled()
    assert dialog.bars.toolTip() == "This shape needs no bars"
    assert not dialog.original.isVisible()


async def test_nothing_done_makes_nothing(desk: Desk, tmp_path: Path) -> None:
    await with_picture(desk, tmp_path)
    before = desk.draft.value
    dialog = await opened(desk)

    QTest.keyClick(dialog.view, Qt.Key.Key_Return)
    await desk.settle()

    assert desk.studio.pictures.asked == []
    assert desk.draft.value == before


async def test_a_file_that_is_gone_is_said_in_the_dialog(desk: Desk, tmp_path: Path) -> None:
    await with_picture(desk, tmp_path)
    desk.studio.media.pictures["winter.png"] = InputRefused(Kind.IMAGE_MISSING, "winter.png")

    dialog = await opened(desk)

    assert dialog.fit_words.text().startswith("This picture cannot be found: winter.png")
    assert not dialog.apply.isEnabled()
    assert dialog.apply.toolTip() == "This picture cannot be found: winter.png"


async def test_it_closes_when_another_picture_stands_there(desk: Desk, tmp_path: Path) -> None:
    await with_picture(desk, tmp_path)
    dialog = await opened(desk)

    desk.draft.remove_reference(desk.draft.pictures[0].id)

    assert not dialog.isVisible()


async def test_a_picture_of_an_element_is_edited_in_its_place(desk: Desk, tmp_path: Path) -> None:
    origin = await with_picture(desk, tmp_path)
    other = a_picture(tmp_path / "side.png", 800, 600)
    element_id = desk.draft.add_element("Mia", str(other), [str(origin)])
    desk.window.references.elements.crop_wanted.emit(element_id, 1)
    dialog = desk.window.findChild(CropDialog)
    assert dialog is not None
    await desk.until(dialog.apply.isEnabled)

    QTest.keyClick(dialog.view, Qt.Key.Key_R)
    QTest.keyClick(dialog.view, Qt.Key.Key_Return)
    await desk.until(lambda: desk.draft.figures[0].angles[0].place != str(origin))

    figure = desk.draft.figures[0]
    assert figure.frontal is not None
    assert figure.frontal.place == str(other)
    assert desk.studio.pictures.asked == [(origin, PictureEdit(turn_deg=90, max_bytes=MOST_BYTES))]


@pytest.fixture
def view(qtbot: QtBot) -> CropView:
    made = CropView()
    qtbot.addWidget(made)
    made.resize(600, 450)
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(QColor("teal"))
    made.show_picture(image)
    made.show()
    return made


def test_a_corner_is_pulled_and_the_inside_is_moved(view: CropView) -> None:
    area = view.picture_area()
    drag(view, area.bottomRight(), area.center())
    pulled = view.frame

    drag(view, view.frame_area().center(), area.bottomRight() + QPointF(500, 500))

    assert pulled.width() == pytest.approx(0.5, abs=0.01)
    assert pulled.height() == pytest.approx(0.5, abs=0.01)
    # It never leaves the picture.
    assert (view.frame.right(), view.frame.bottom()) == (pytest.approx(1), pytest.approx(1))
    assert view.frame.width() == pytest.approx(pulled.width())


@pytest.mark.parametrize("corner", ["topLeft", "topRight", "bottomLeft", "bottomRight"])
def test_a_fixed_shape_is_kept_at_every_corner(corner: str, view: CropView) -> None:
    view.show_frame(QRectF(0.25, 0.25, 0.375, 0.5), turn=0, shape=0.75)
    opposite = {"topLeft": "bottomRight", "topRight": "bottomLeft", "bottomLeft": "topRight", "bottomRight": "topLeft"}
    held = getattr(view.frame, opposite[corner])()

    for way in (QPointF(40, 15), QPointF(-900, 400), QPointF(900, -700)):
        start = getattr(view.frame_area(), corner)()
        drag(view, start, start + way)
        frame = view.frame
        assert frame.width() == pytest.approx(frame.height() * 0.75)
        assert QRectF(-1e-6, -1e-6, 1 + 2e-6, 1 + 2e-6).contains(frame)
        still = getattr(frame, opposite[corner])()
        assert (still.x(), still.y()) == (pytest.approx(held.x()), pytest.approx(held.y()))


def test_an_edge_with_a_fixed_shape_grows_around_its_middle(view: CropView) -> None:
    view.show_frame(QRectF(0.25, 0.25, 0.375, 0.5), turn=0, shape=0.75)

    for _ in range(6):
        QTest.keyClick(view, Qt.Key.Key_Right, SHIFT)

    assert view.frame.left() == pytest.approx(0.25)
    assert view.frame.width() == pytest.approx(0.435)
    assert view.frame.center().y() == pytest.approx(0.5)


def test_nothing_beside_the_frame_takes_hold_of_it(view: CropView) -> None:
    view.show_frame(QRectF(0.4, 0.4, 0.2, 0.2), turn=0, shape=None)
    before = view.frame

    drag(view, QPointF(view.picture_area().topLeft() + QPointF(5, 5)), QPointF(300, 300))

    assert view.frame == before
    assert view.childAt(QPoint(5, 5)) is None
