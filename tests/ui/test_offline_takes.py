"""A take that is not where it was: the card says so, finds it again by itself, or lets the person say where it is."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog

from klingstudio.domain.errors import Charged, InputRefused, Kind, Problem
from klingstudio.domain.job import State
from klingstudio.ui.takes.words import Act
from tests.fakes.studio import a_job
from tests.ui.conftest import Desk


async def with_a_take(desk: Desk, tmp_path: Path) -> Path:
    """The window over one finished job, whose take is there."""
    take = tmp_path / "stick" / "street_v01.mp4"
    take.parent.mkdir()
    take.write_bytes(b"film")
    desk.studio.queue.tell(a_job(state=State.COMPLETED, take=str(take)))
    await desk.start()
    desk.models.takes.wait()
    await desk.settle()
    return take


async def look(desk: Desk) -> None:
    """As when the person comes back from another program."""
    desk.models.takes.look()
    desk.models.takes.wait()
    await desk.settle()


async def test_a_take_on_a_disk_that_is_not_connected_is_offline_until_it_is(desk: Desk, tmp_path: Path) -> None:
    take = await with_a_take(desk, tmp_path)
    (card,) = desk.window.takes.cards()
    assert card.can_play
    assert card.words().state.startswith("checked")

    take.parent.rename(tmp_path / "pulled out")
    await look(desk)

    assert (card.words().state, card.words().tone) == ("Offline", "warning")
    assert str(take) in card.words().detail
    assert card.acts == (Act.LOCATE,)
    assert not card.can_play
    offered = [action.data() for action in card.menu().actions()]
    assert Act.PLAY not in offered
    assert Act.SHOW_IN_FOLDER not in offered

    (tmp_path / "pulled out").rename(take.parent)
    await look(desk)

    assert card.words().state.startswith("checked")
    assert card.can_play


async def test_a_take_that_was_moved_is_found_by_saying_where_it_is(desk: Desk, tmp_path: Path) -> None:
    take = await with_a_take(desk, tmp_path)
    moved = take.rename(tmp_path / "moved.mp4")
    await look(desk)
    (card,) = desk.window.takes.cards()

    card._press(Act.LOCATE)
    (dialog,) = desk.window.takes.findChildren(QFileDialog)
    assert "street_v01.mp4" in dialog.windowTitle()
    dialog.fileSelected.emit(str(moved))
    dialog.close()
    await desk.until(lambda: card.can_play)

    assert desk.studio.queue.asked == [("relink", "job-1", str(moved))]
    assert card.words().state.startswith("checked")


async def test_another_file_is_not_taken_for_it(desk: Desk, tmp_path: Path) -> None:
    take = await with_a_take(desk, tmp_path)
    take.unlink()
    await look(desk)
    desk.studio.queue.refuses = InputRefused(Kind.TAKE_ANOTHER, "other.mp4")

    desk.jobs.relink("job-1", tmp_path / "other.mp4")
    await desk.until(lambda: bool(desk.window.messages.title))

    assert desk.window.messages.title == "This is not that take"
    assert not desk.window.takes.cards()[0].can_play


async def test_a_take_that_lies_elsewhere_than_it_was_wanted_says_where(desk: Desk, tmp_path: Path) -> None:
    detail = "/media/stick could not be written, so it is in /home/me/Videos"
    problem = Problem(kind=Kind.TAKE_ELSEWHERE, detail=detail, charged=Charged.YES)
    take = tmp_path / "street_v01.mp4"
    take.write_bytes(b"film")
    desk.studio.queue.tell(a_job(state=State.COMPLETED, take=str(take), problem=problem))
    await desk.start()
    (card,) = desk.window.takes.cards()

    assert (card.words().tone, card.words().icon) == ("good", "circle-check")
    assert detail in card.words().detail
    assert detail in card.words().spoken
