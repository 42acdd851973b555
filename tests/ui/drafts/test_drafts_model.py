"""Drafts as tabs: opened, closed, named, moved, brought back, and each with its own way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from klingstudio.domain.draft import Draft
from klingstudio.domain.media import Framing, Trim
from klingstudio.domain.request import Tier
from tests.fakes.studio import PAID
from tests.ui.drafts.conftest import Table

CLIP = Path("/clips/street.mp4")


async def test_the_first_start_has_one_blank_draft(table: Table) -> None:
    assert table.titles == ["Untitled"]
    assert table.draft.value.is_blank


async def test_a_draft_is_called_after_its_name_its_clip_or_its_first_words(table: Table) -> None:
    table.draft.replace_prompt("Turn the day into deep snow, keep the walker")
    assert table.titles == ["Turn the day into deep…"]

    table.draft.set_source(CLIP)
    assert table.titles == ["street"]

    table.drafts.rename(table.drafts.current, "  beach → snow ")
    assert table.titles == ["beach → snow"]

    table.drafts.rename(table.drafts.current, "")
    assert table.titles == ["street"]


async def test_drafts_of_one_clip_are_told_apart(table: Table) -> None:
    table.draft.set_source(CLIP)
    table.drafts.open_with_source(CLIP)
    table.drafts.open_with_source(Path("/other/street.mov"))

    assert table.titles == ["street", "street 2", "street 3"]


async def test_a_new_draft_is_shown_with_the_settings_used_last(table: Table) -> None:
    (first,) = table.write("snow")
    table.draft.choose_provider(PAID.id)
    table.draft.choose_tier(Tier.STANDARD)
    table.draft.choose_takes(2)

    second = table.drafts.new()

    assert table.drafts.ids == (first, second)
    assert table.drafts.current == second
    now = table.draft.value
    assert (now.provider, now.tier, now.takes, now.is_blank) == (PAID.id, Tier.STANDARD, 2, True)
    assert table.draft.undo_label == ""


async def test_each_tab_shows_its_own_draft(table: Table) -> None:
    first, second, third = table.write("snow", "night", "sepia")

    table.drafts.select(first)
    assert table.draft.prompt == "snow"
    table.drafts.step(-1)
    assert (table.drafts.current, table.draft.prompt) == (third, "sepia")
    table.drafts.step(2)
    assert (table.drafts.current, table.draft.prompt) == (second, "night")


async def test_every_kind_of_change_is_undone_and_done_again_one_by_one(table: Table) -> None:
    draft = table.draft
    changes: list[Callable[[], object]] = [
        lambda: draft.set_source(CLIP),
        lambda: draft.set_trim(Trim(start_s=1, end_s=4)),
        lambda: draft.set_framing(Framing.PAD),
        lambda: draft.add_pictures([Path("/a.png"), Path("/b.png")]),
        lambda: draft.replace_prompt("like @Image2, then @Image1"),
        lambda: draft.move_picture(draft.value.images[0].id, 1),
        lambda: draft.replace_picture(draft.value.images[0].id, Path("/c.png")),
        lambda: draft.add_element("Mia", "/mia.png"),
        lambda: draft.add_angles(draft.value.elements[0].id, ["/side.png"]),
        lambda: draft.swap_frontal(draft.value.elements[0].id, 1),
        lambda: draft.name_element(draft.value.elements[0].id, "Ada"),
        lambda: draft.append_words([" and @Element1"], "insert Ada"),
        lambda: draft.choose_provider(PAID.id),
        lambda: draft.choose_tier(Tier.STANDARD),
        lambda: draft.choose_keep_audio(False),
        lambda: draft.choose_takes(3),
        lambda: draft.remove_reference(draft.value.images[0].id),
        lambda: draft.picture_to_element(draft.value.images[0].id),
        lambda: draft.rename("snow"),
        draft.remove_source,
    ]
    states = [draft.value]
    labels = []
    for change in changes:
        change()
        assert draft.value != states[-1]
        states.append(draft.value)
        labels.append(draft.undo_label)

    for label, before in zip(reversed(labels), reversed(states[:-1]), strict=True):
        assert draft.undo_label == label
        draft.undo()
        assert draft.value == before
    assert draft.undo_label == ""
    for label, after in zip(labels, states[1:], strict=True):
        assert draft.redo_label == label
        draft.redo()
        assert draft.value == after
    assert draft.redo_label == ""


async def test_the_way_back_of_a_draft_is_not_touched_by_another(table: Table) -> None:
    first, second = table.write("snow", "night")
    table.draft.add_pictures([Path("/a.png")])
    table.drafts.select(first)
    table.draft.replace_prompt("deep snow")
    table.draft.undo()

    table.drafts.select(second)
    assert table.draft.undo_label == "add a.png"
    table.draft.undo()
    table.draft.undo()
    assert (table.draft.value.is_blank, table.draft.redo_label) == (True, "change the prompt")

    table.drafts.select(first)
    table.draft.redo()
    assert table.draft.prompt == "deep snow"
    table.drafts.select(second)
    table.draft.redo()
    assert table.draft.prompt == "night"


async def test_a_closed_draft_comes_back_to_its_place_with_its_way_back(table: Table) -> None:
    first, second, third = table.write("snow", "night", "sepia")

    table.drafts.close(second)
    assert table.drafts.ids == (first, third)
    assert table.closed == [("night", 1)]
    assert [draft.id for draft in table.kept.closed()] == [second]

    table.drafts.reopen()
    assert table.drafts.ids == (first, second, third)
    assert (table.drafts.current, table.draft.prompt) == (second, "night")
    assert list(table.kept.open) == [first, second, third]
    assert not table.drafts.can_reopen
    table.draft.undo()
    assert table.draft.value.is_blank


async def test_closing_the_current_draft_shows_its_neighbour(table: Table) -> None:
    first, second, third = table.write("snow", "night", "sepia")

    table.drafts.select(second)
    table.drafts.close(second)
    assert table.drafts.current == third
    table.drafts.close(third)
    assert table.drafts.current == first


async def test_closing_the_last_draft_leaves_a_new_blank_one(table: Table) -> None:
    (first,) = table.write("snow")

    table.drafts.close(first)

    assert table.titles == ["Untitled"]
    assert table.drafts.current != first
    table.drafts.reopen()
    assert table.drafts.ids == (first,)


async def test_a_blank_draft_is_dropped_and_the_last_one_stays(table: Table) -> None:
    (first,) = table.write("snow")
    blank = table.drafts.new()

    table.drafts.close(blank)
    assert table.drafts.ids == (first,)
    assert not table.drafts.can_reopen
    assert list(table.kept.open) == [first]

    table.draft.undo()
    table.drafts.close(first)
    assert table.drafts.ids == (first,)
    assert table.closed == []


async def test_closing_the_others_is_undone_at_once(table: Table) -> None:
    ids = table.write("snow", "night", "sepia")

    table.drafts.close_others(ids[1])
    assert table.drafts.ids == (ids[1],)
    assert table.closed == [("sepia", 2)]

    table.drafts.reopen(2)
    assert list(table.drafts.ids) == ids


async def test_a_copy_stands_beside_its_draft_and_goes_its_own_way(table: Table) -> None:
    first, second = table.write("snow", "night")

    copy = table.drafts.duplicate(first)
    assert table.drafts.ids == (first, copy, second)
    table.draft.replace_prompt("rain")

    assert table.drafts.value(first).text == "snow"
    assert replace(table.drafts.value(copy), id=first, prompt=("snow",)) == table.drafts.value(first)


async def test_tabs_are_moved_as_far_as_there_are_any(table: Table) -> None:
    first, second, third = table.write("snow", "night", "sepia")

    table.drafts.move(third, -1)
    assert table.drafts.ids == (first, third, second)
    table.drafts.move(first, 5)
    assert table.drafts.ids == (third, second, first)
    assert list(table.kept.open) == [third, second, first]
    assert table.drafts.current == third


async def test_a_tab_in_the_background_can_be_named_and_the_name_taken_back(table: Table) -> None:
    first, _second = table.write("snow", "night")

    table.drafts.rename(first, "winter")
    assert table.titles == ["winter", "night"]

    table.drafts.select(first)
    assert table.draft.undo_label == "rename the draft"
    table.draft.undo()
    assert table.titles == ["snow", "night"]


async def test_everything_is_there_again_after_a_restart(tables: Callable[[], Table]) -> None:
    before = tables()
    before.start()
    before.draft.set_source(CLIP)
    before.draft.set_trim(Trim(start_s=1, end_s=4))
    first, *_ = before.drafts.ids
    second = before.drafts.new()
    before.draft.replace_prompt("night")
    before.draft.add_pictures([Path("/a.png")])
    third = before.drafts.new()
    before.drafts.rename(third, "sea")
    before.drafts.move(third, -2)
    before.drafts.select(second)
    left = [before.drafts.value(draft_id) for draft_id in before.drafts.ids]
    await before.end()

    after = tables()
    after.start()

    assert [after.drafts.value(draft_id) for draft_id in after.drafts.ids] == left
    assert after.drafts.ids == (third, first, second)
    assert (after.drafts.current, after.draft.prompt) == (second, "night")
    assert after.draft.undo_label == ""
    await after.until(lambda: not after.draft.is_reading)


async def test_what_was_closed_before_a_restart_can_be_reopened_after_it(tables: Callable[[], Table]) -> None:
    before = tables()
    before.start()
    first, second = before.write("snow", "night")
    before.drafts.close(second)
    before.drafts.close(first)
    await before.end()

    after = tables()
    after.start()
    after.drafts.reopen()
    assert after.titles == ["snow"]
    after.drafts.reopen()
    assert after.titles == ["snow", "night"]


async def test_a_clip_given_at_the_start_opens_beside_what_was_there(tables: Callable[[], Table]) -> None:
    before = tables()
    before.start()
    before.write("snow")
    before.drafts.new()
    await before.end()

    after = tables()
    after.draft.set_source(CLIP)
    after.start()

    assert after.titles == ["snow", "street"]
    assert after.draft.value.source == str(CLIP)
    assert len(after.kept.open) == 2


async def test_clips_given_at_the_first_start_need_no_blank_draft_beside_them(tables: Callable[[], Table]) -> None:
    table = tables()
    table.studio.settings.update(provider=PAID.id, tier=Tier.STANDARD)
    table.draft.set_source(CLIP)
    table.drafts.open_with_source(Path("/clips/sea.mp4"))
    table.start()

    assert table.titles == ["street", "sea"]
    for draft_id in table.drafts.ids:
        draft = table.drafts.value(draft_id)
        assert (draft.provider, draft.tier) == (PAID.id, Tier.STANDARD)


async def test_a_draft_in_use_is_not_taken_for_something_else(table: Table) -> None:
    (first,) = table.write("snow")

    table.drafts.use_blank()
    blank = table.drafts.current
    assert blank != first
    table.drafts.use_blank()
    assert table.drafts.current == blank


async def test_a_draft_of_a_provider_that_is_gone_gets_one_that_is_there(tables: Callable[[], Table]) -> None:
    table = tables()
    table.kept.open["old"] = Draft(id="old", prompt=("snow",), provider="gone")
    table.start()

    assert table.draft.prompt == "snow"
    assert table.draft.provider is not None
