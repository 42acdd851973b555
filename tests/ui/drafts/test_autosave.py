"""What is composed is on disk within half a second, and it is said when it is not."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from klingstudio.domain.errors import DiskProblem, Kind, Problem
from tests.fakes.studio import NOW
from tests.ui.drafts.conftest import Table

LIMIT_S = 0.5 + 0.3
"""What is promised, and how late a shared test machine may be."""
FULL = DiskProblem(Kind.DISK_FULL, "the journal could not be written")


async def test_a_change_is_written_within_half_a_second(table: Table) -> None:
    await table.until(lambda: bool(table.kept.open))
    began = time.monotonic()

    table.draft.replace_prompt("snow")
    await table.until(lambda: table.kept.saves[-1].text == "snow")

    assert time.monotonic() - began < LIMIT_S
    assert table.drafts.saved_at == NOW


async def test_whoever_never_stops_typing_is_saved_all_the_same(table: Table) -> None:
    began, last_new, longest, seen = time.monotonic(), time.monotonic(), 0.0, 0
    while time.monotonic() - began < 1.5:
        table.draft.set_words((f"snow {time.monotonic()}",), merge="typing")
        await asyncio.sleep(0.02)
        if len(table.kept.saves) > seen:
            seen, longest, last_new = len(table.kept.saves), max(longest, time.monotonic() - last_new), time.monotonic()

    assert seen >= 3
    assert longest < LIMIT_S


async def test_what_did_not_change_is_not_written_again(table: Table) -> None:
    table.write("snow")
    saves = len(table.kept.saves)

    table.draft.changed.emit()
    table.drafts.save()
    table.draft.replace_prompt("snow")
    table.drafts.save()

    assert len(table.kept.saves) == saves


async def test_going_to_another_tab_writes_at_once(table: Table) -> None:
    first, _second = table.write("snow", "night")
    table.draft.replace_prompt("sepia")

    table.drafts.select(first)

    assert table.kept.saves[-1].text == "sepia"
    assert table.studio.settings.choices.current_draft == first


async def test_leaving_writes_what_is_not_written_yet(table: Table) -> None:
    table.draft.replace_prompt("snow")

    await table.drafts.aclose()

    assert table.kept.saves[-1].text == "snow"


async def test_a_full_disk_is_said_once_and_the_next_change_tries_again(table: Table) -> None:
    table.write("snow")
    table.kept.refuses = FULL
    shown: list[Problem] = []
    table.problems.reported.connect(lambda: shown.append(table.problems.take()))  # type: ignore[arg-type]

    for prompt in ("night", "sepia"):
        table.draft.replace_prompt(prompt)
        table.drafts.save()
    assert [problem.kind for problem in shown] == [Kind.DISK_FULL]
    assert table.drafts.is_failing

    table.kept.refuses = None
    began = time.monotonic()
    table.draft.replace_prompt("rain")
    await table.until(lambda: not table.drafts.is_failing)
    assert time.monotonic() - began < LIMIT_S
    assert table.kept.saves[-1].text == "rain"

    table.kept.refuses = FULL
    table.draft.replace_prompt("hail")
    table.drafts.save()
    assert len(shown) == 2


async def test_tabs_that_were_closed_and_moved_on_a_full_disk_are_written_later(table: Table) -> None:
    first, second, third = table.write("snow", "night", "sepia")
    table.kept.refuses = FULL
    table.drafts.close(second)
    table.drafts.move(third, -1)
    assert list(table.kept.open) == [first, second, third]

    table.kept.refuses = None
    table.drafts.save()

    assert list(table.kept.open) == [third, first]
    assert [draft.id for draft in table.kept.closed()] == [second]


async def test_nothing_is_written_before_the_studio_is_open_and_everything_after(table: Table) -> None:
    before = Table(table.studio)
    before.draft.set_source(Path("/clips/street.mp4"))
    before.drafts.save()
    assert all(not draft.source for draft in table.kept.saves)

    before.start()
    assert table.kept.saves[-1].source == "/clips/street.mp4"
    await before.end()
