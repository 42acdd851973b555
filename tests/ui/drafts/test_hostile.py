"""Any order of writing, undo, tabs and drops: the field says what the draft on the screen says, and no draft another's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from klingstudio.domain.prompt import Prompt
from klingstudio.ui.models.drops import Dropped
from klingstudio.ui.prompt.document import words_in
from tests.fakes.drag import a_file

if TYPE_CHECKING:
    from tests.ui.conftest import Desk

Step = Callable[["Desk", Path], object]
_CTRL, _ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


def key(key: Qt.Key, kept: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> Step:
    return lambda desk, _: QTest.keyClick(desk.edit, key, kept)


def drop(desk: Desk, folder: Path) -> None:
    desk.models.arrivals.put(Dropped(videos=(folder / "street.mp4",), pictures=(folder / "winter.jpg",)))


STEPS: tuple[Step, ...] = (
    lambda desk, _: QTest.keyClicks(desk.edit, "snow @image1 "),
    lambda desk, _: QTest.keyClicks(desk.edit, "@"),
    key(Qt.Key.Key_Backspace),
    key(Qt.Key.Key_Return),
    key(Qt.Key.Key_A, _CTRL),
    key(Qt.Key.Key_X, _CTRL),
    key(Qt.Key.Key_V, _CTRL),
    key(Qt.Key.Key_Z, _CTRL),
    key(Qt.Key.Key_Y, _CTRL),
    key(Qt.Key.Key_Up, _ALT),
    drop,
    lambda desk, _: desk.draft.remove_source(),
    lambda desk, _: desk.draft.use_sample(),
    lambda desk, _: desk.draft.remove_reference(next((one.id for one in desk.draft.value.images), "")),
    lambda desk, _: desk.models.drafts.new(),
    lambda desk, _: desk.models.drafts.duplicate(desk.models.drafts.current),
    lambda desk, _: desk.models.drafts.step(1),
    lambda desk, _: desk.models.drafts.close(desk.models.drafts.current),
    lambda desk, _: desk.models.drafts.reopen(),
)


async def test_the_field_and_the_disk_say_what_the_draft_says_whatever_is_done(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    for name in ("street.mp4", "winter.jpg"):
        a_file(tmp_path / name)
    went: list[tuple[Prompt, Prompt]] = []

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(STEPS), min_size=3, max_size=14))
    def go(steps: list[Step]) -> None:
        desk.models.drafts.new()
        for step in steps:
            step(desk, tmp_path)
            went.append((words_in(desk.edit.document()), desk.draft.words))
            assert went[-1][0] == went[-1][1]
            assert desk.draft.source is None or str(desk.draft.source.path) == desk.draft.value.source

    go()
    await desk.settle()
    desk.models.drafts.save()

    assert went
    assert len(set(desk.models.drafts.ids)) == len(desk.models.drafts.ids)
    assert {one: desk.models.drafts.value(one) for one in desk.models.drafts.ids} == desk.studio.drafts.open
