"""What a draft speaks of outlives the program that made it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from klingstudio.domain.draft import Draft, DraftImage
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import a_studio

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


async def test_frames_stay_as_long_as_a_draft_speaks_of_them(home: Path, sandbox: Sandbox) -> None:
    used, unused = (home / "data" / "frames" / name / "clip 00-01.00 before.png" for name in ("4f1c", "9e2d"))
    for frame in (used, unused):
        frame.parent.mkdir(parents=True)
        frame.write_bytes(b"a picture")
    draft = Draft(id="street", images=(DraftImage(id="a", place=str(used)),))

    async with a_studio(home, sandbox) as studio:
        studio.drafts.save(draft, position=0, is_open=False, at=NOW)
    assert used.exists()
    assert not unused.parent.exists()

    async with a_studio(home, sandbox) as studio:
        assert studio.drafts.closed() == (draft,)
        studio.drafts.remove(draft.id)
    assert not used.parent.exists()
