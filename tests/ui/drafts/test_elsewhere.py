"""What was begun in one draft comes to that draft, whichever is on the screen by then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from klingstudio.domain.media import PictureEdit
from klingstudio.engine.sources import Fetched
from klingstudio.ui.models.arrivals import Aim
from klingstudio.ui.models.drops import Address, Dropped
from tests.fakes.drag import a_file, png

if TYPE_CHECKING:
    from tests.ui.conftest import Desk

URL = "https://example.org/winter.jpg"


async def fetch_and_leave(desk: Desk, tmp_path: Path, aim: Aim) -> str:
    """Agree to a fetch and go to a new draft before it is there; the id of the first one."""
    desk.studio.web[URL] = Fetched(a_file(tmp_path / "winter.jpg"), is_picture=True)
    desk.studio.goes_on.clear()
    first = desk.models.drafts.current
    desk.models.arrivals.ask(Address(URL), aim)
    desk.models.arrivals.agree()
    await desk.until(lambda: bool(desk.studio.fetched))
    desk.models.drafts.new()
    return first


def hear(desk: Desk) -> list[str]:
    said: list[str] = []
    desk.models.problems.said.connect(said.append)
    return said


async def test_what_is_fetched_comes_to_the_draft_that_asked_for_it_and_can_be_undone_there(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.start()
    said, drafts = hear(desk), desk.models.drafts
    desk.draft.replace_prompt("Make it snow")
    first = await fetch_and_leave(desk, tmp_path, Aim())

    desk.studio.goes_on.set()
    await desk.until(lambda: bool(said))
    there, kept = drafts.value(first), desk.studio.drafts.open[first]
    was_blank = desk.draft.value.is_blank
    drafts.select(first)
    label = desk.draft.undo_label
    desk.draft.undo()

    assert said == ["winter.jpg is in “Make it snow”"]
    assert [Path(one.place).name for one in there.images] == ["winter.jpg"]
    assert kept == there
    assert was_blank
    assert label == "add winter.jpg"
    assert not desk.draft.value.images


async def test_what_is_fetched_for_a_draft_that_was_closed_meanwhile_goes_nowhere(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    said = hear(desk)
    desk.draft.replace_prompt("Make it snow")
    first = await fetch_and_leave(desk, tmp_path, Aim())
    desk.models.drafts.close(first)

    desk.studio.goes_on.set()
    await desk.until(lambda: len(said) > 0)
    await desk.settle()

    assert said[-1] == "winter.jpg was for a draft that is closed"
    assert desk.draft.value.is_blank


async def test_the_question_of_a_draft_that_was_closed_is_one_of_the_draft_on_the_screen(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.start()
    desk.studio.web[URL] = Fetched(a_file(tmp_path / "winter.jpg"), is_picture=True)
    first = desk.models.drafts.current
    desk.draft.replace_prompt("Make it snow")
    desk.models.arrivals.ask(Address(URL))
    desk.models.drafts.new()
    desk.models.drafts.close(first)

    desk.models.arrivals.agree()

    await desk.until(lambda: len(desk.draft.pictures) == 1)


@pytest.mark.parametrize("index", [0, 1])
async def test_an_angle_that_is_fetched_comes_to_its_element(index: int, desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    element_id = desk.draft.add_element("Mia", "/faces/mia.jpg")
    desk.draft.replace_prompt("Make it snow")
    aim = Aim(slot=lambda _paths: None, slot_room=1, element=element_id, place=index)
    first = await fetch_and_leave(desk, tmp_path, aim)
    before = desk.models.drafts.value(first)

    desk.studio.goes_on.set()
    await desk.until(lambda: desk.models.drafts.value(first) != before)

    (mia,) = desk.models.drafts.value(first).elements
    assert [Path(one).name for one in mia.places] == (["winter.jpg"] if index == 0 else ["mia.jpg", "winter.jpg"])


async def test_a_picture_that_is_dropped_where_an_angle_is_missing_becomes_one_even_without_a_front(desk: Desk) -> None:
    await desk.start()
    element_id = desk.draft.add_element("Mia")

    desk.draft.put_on_element(element_id, 1, ["/faces/side.jpg"])

    assert desk.draft.value.elements[0].angles == ("/faces/side.jpg",)


async def test_the_sample_comes_to_every_draft_that_wished_for_it(desk: Desk) -> None:
    await desk.start()
    drafts = desk.models.drafts
    desk.studio.goes_on.clear()
    desk.window.use_sample()
    first = drafts.current
    drafts.new()
    is_drawn_here = desk.draft.is_making_sample
    desk.window.use_sample()
    second = drafts.current
    third = drafts.new()

    desk.studio.goes_on.set()
    await desk.until(lambda: bool(drafts.value(first).source and drafts.value(second).source))

    assert not is_drawn_here
    assert drafts.current == third
    assert not drafts.value(third).source


async def test_a_draft_that_got_another_clip_meanwhile_keeps_it(desk: Desk) -> None:
    await desk.start()
    desk.studio.goes_on.clear()
    desk.window.use_sample()
    first = desk.models.drafts.current
    desk.draft.set_source(Path("/clips/street.mp4"))
    desk.models.drafts.new()

    desk.studio.goes_on.set()
    await desk.settle()

    assert desk.models.drafts.value(first).source == "/clips/street.mp4"


async def test_an_edit_never_comes_to_a_copy_of_its_draft(desk: Desk) -> None:
    await desk.start()
    desk.draft.add_pictures([Path("/pictures/winter.jpg")])
    (picture,) = desk.draft.pictures
    target = desk.models.edits.target(picture.id)
    assert target is not None
    desk.studio.pictures.goes_on.clear()
    desk.models.edits.apply(target, PictureEdit(turn_deg=90))
    await desk.until(lambda: bool(desk.studio.pictures.asked))

    desk.models.drafts.duplicate(desk.models.drafts.current)
    desk.studio.pictures.goes_on.set()
    await desk.settle()

    assert not desk.models.edits.is_under_way(picture.id)
    assert desk.draft.pictures[0].made is None


async def test_a_fit_ends_with_its_draft_and_shows_in_no_other(desk: Desk) -> None:
    await desk.start()
    from dataclasses import replace

    from tests.fakes.studio import FACTS

    desk.studio.media.clips["long.mp4"] = replace(FACTS, duration_s=30.0, frame_count=750)
    desk.draft.set_source(Path("/clips/long.mp4"))
    await desk.until(lambda: desk.draft.source is not None and desk.draft.source.can_be_fitted)
    desk.draft.fit()
    await desk.until(lambda: bool(desk.studio.fits.under_way))

    desk.models.drafts.open_with_source(Path("/clips/street.mp4"))
    await desk.until(lambda: not desk.studio.fits.under_way)
    await desk.until(lambda: not desk.draft.is_reading)

    source = desk.draft.source
    assert source is not None
    assert (source.fitting, source.clip, source.fit_problem) == (None, None, None)


async def test_a_strip_that_was_interrupted_by_another_tab_is_there_on_the_way_back(desk: Desk) -> None:
    await desk.start()
    drafts = desk.models.drafts
    first = drafts.current
    left: list[str] = []

    def leave() -> None:
        # The strip is read last.
        if not left and desk.draft.source is not None and desk.draft.source.times is not None:
            left.append(first)
            drafts.open_with_source(Path("/clips/sea.mp4"))

    desk.draft.source_changed.connect(leave)
    desk.draft.set_source(Path("/clips/street.mp4"))
    await desk.until(lambda: bool(left))
    await desk.until(lambda: desk.draft.source is not None and bool(desk.draft.source.strip))

    drafts.select(first)

    await desk.until(lambda: desk.draft.source is not None and bool(desk.draft.source.strip))


async def test_a_picture_without_a_file_that_is_pasted_before_the_studio_is_open_is_taken_afterwards(
    desk: Desk,
) -> None:
    desk.open()
    said = hear(desk)
    desk.models.arrivals.put(Dropped(bitmap="Pasted picture", pixels=png()))
    at_once = list(said)

    await desk.start()
    await desk.until(lambda: len(desk.draft.pictures) == 1)

    assert at_once == ["Starting…"]


async def test_what_is_still_looked_at_when_the_tab_changes_comes_to_the_tab_it_was_dropped_on(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.start()
    drafts = desk.models.drafts
    first = drafts.current
    desk.draft.replace_prompt("Make it snow")
    files = Dropped(videos=(a_file(tmp_path / "street.mp4"),), pictures=(a_file(tmp_path / "winter.jpg"),))

    desk.models.arrivals.put(files)
    drafts.new()
    await desk.until(lambda: bool(drafts.value(first).source))

    assert len(drafts.value(first).images) == 1
    assert desk.draft.value.is_blank
