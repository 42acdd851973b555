"""What is in the viewer belongs to the draft on the screen. With the real player."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from klingstudio.domain.errors import Kind
from klingstudio.domain.job import State
from tests.fakes.studio import a_job, a_request, refused_source
from tests.unit.media.numbered_clips import BLUE, numbered_clip

if TYPE_CHECKING:
    from tests.ui.conftest import Desk


async def test_another_tab_takes_nothing_of_the_one_before_and_the_take_is_there_again(
    desk: Desk, tmp_path: Path
) -> None:
    clip, take = numbered_clip(tmp_path / "street.mp4", 10), numbered_clip(tmp_path / "v01.mp4", 10, ink=BLUE)
    stage, drafts = desk.window.stage, desk.models.drafts
    desk.studio.media.clips["gone.mp4"] = refused_source(Kind.SOURCE_MISSING)
    await desk.start()
    desk.window.attach()
    desk.draft.set_source(clip)
    await desk.until(lambda: stage.has_clip)
    desk.studio.queue.tell(a_job(state=State.COMPLETED, take=str(take), request=a_request(source=str(clip))))
    stage.show_take("job-1")
    first = drafts.current

    drafts.new()
    assert (stage.has_clip, stage.job) == (False, "")
    drafts.select(first)
    await desk.until(lambda: stage.has_clip and stage.job == "job-1")

    drafts.open_with_source(Path("/clips/gone.mp4"))
    await desk.until(lambda: not desk.draft.is_reading)
    assert (stage.has_clip, stage.job) == (False, "")

    same = drafts.duplicate(first)
    await desk.until(lambda: stage.has_clip)
    assert (drafts.current, stage.job) == (same, "")
