"""What must be true after a life whose disk failed, and after the next one whose disk did not."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from klingstudio.domain.errors import Charged, Kind
from klingstudio.domain.job import UNSENT, State
from klingstudio.media.digest import sha256_of
from klingstudio.media.whole_file import PART_PREFIX
from klingstudio.store.database import RESERVE_BYTES
from tests.torture.files.bench import Bench
from tests.torture.files.life import Told

SUBMIT = "/api/ai/queue"
DISK = frozenset({Kind.DISK_FULL, Kind.DISK_UNWRITABLE})
OF_THE_SOURCE = frozenset({Kind.SOURCE_UNREADABLE, Kind.SOURCE_MISSING})
OF_THE_JOURNAL = frozenset({Kind.DATABASE_DAMAGED, Kind.STUDIO_BUSY})


def of_first(told: Told, error: int) -> Iterator[str]:
    """Whatever failed: the program lives, and has said what happened and what it costs."""
    yield from of_any(told)
    if told.refused and told.refused not in DISK:
        yield f"was refused as {told.refused}"
    if told.state == State.COMPLETED or told.refused or not told.sprung:
        return
    if not told.state:
        yield "said nothing at all"
        return
    kinds = {Kind(kind) for kind in told.kinds}
    right = DISK | OF_THE_SOURCE if told.sprung.endswith("film.mkv") else DISK
    if not kinds & right:
        yield f"{told.state} says {', '.join(told.kinds) or 'nothing'}"
    is_room = error == errno.ENOSPC and told.sprung.split()[0] in ("write", "create", "mkdir")
    if is_room and kinds & DISK and Kind.DISK_FULL not in kinds and "-shm" not in told.sprung:
        yield f"a full disk is called {', '.join(told.kinds)}"
    if State(told.state) not in UNSENT and told.charged == Charged.NO:
        yield f"{told.state} says that nothing was charged"


def of_any(told: Told) -> Iterator[str]:
    """No traceback, no cry for the maker, whatever the disk does."""
    for bug in told.bugs:
        yield bug.strip().splitlines()[-1] + " | " + bug[-1500:]


def of_opening(told: Told) -> Iterator[str]:
    """A studio that could not be opened once can be opened now."""
    yield from of_any(told)
    if told.refused:
        yield f"does not open: {told.refused}"


def of_last(bench: Bench, told: Told, sends: int) -> Iterator[str]:
    """The take is there, paid once; nothing else is left.

    Args:
        sends: how often the person has said to send it.
    """
    yield from of_opening(told)
    if told.refused:
        return
    if told.state != State.COMPLETED:
        yield f"ends as {told.state}, {', '.join(told.kinds)}"
    posts = len(bench.sandbox.requests("POST", SUBMIT))
    if posts != 1:
        yield f"{posts} paid requests after {sends} orders"
    yield from _of_files(bench, told)
    yield from _of_journal(bench.home / "data" / "studio.sqlite3")
    source = bench.source
    if (sha256_of(source), source.stat().st_size, source.stat().st_mtime_ns) != bench.clip_mark:
        yield "the source was touched"


def _of_files(bench: Bench, told: Told) -> Iterator[str]:
    take = Path(told.take) if told.take else None
    drawn = bench.folder / "sandbox" / "results" / f"{told.remote_id}.mp4"
    if take is None or not take.exists():
        yield "the take is not there"
    elif not drawn.exists() or sha256_of(take) != sha256_of(drawn):
        yield "the take is not what was made"
    home = bench.home
    allowed = {home / "data" / "reserve", home / "data" / "studio.sqlite3", home / "data" / "studio.lock", take}
    for found in home.rglob("*"):
        name = found.relative_to(home).as_posix()
        is_usual = found.is_dir() or found in allowed or name.startswith("logs/klingstudio.log")
        is_kept = name.startswith("cache/fits/") and PART_PREFIX not in name
        is_beside = name.startswith(("data/backups/", "data/studio.sqlite3-seal"))
        if not (is_usual or is_kept or is_beside):
            yield f"{name} was left behind"
    if (home / "cache" / "work").exists() and any((home / "cache" / "work").iterdir()):
        yield "something was left in the work folder"
    reserve = home / "data" / "reserve"
    if not reserve.exists() or reserve.stat().st_size != RESERVE_BYTES:
        yield "the reserve was not kept again"


def _of_journal(place: Path) -> Iterator[str]:
    journal = sqlite3.connect(f"file:{place}?mode=ro", uri=True)
    try:
        ((verdict,),) = journal.execute("PRAGMA integrity_check").fetchall()
        if verdict != "ok":
            yield f"the journal: {verdict}"
        if strays := journal.execute("PRAGMA foreign_key_check").fetchall():
            yield f"the journal: {strays}"
        for job_id, state in journal.execute("SELECT id, state FROM job").fetchall():
            moves = journal.execute("SELECT frm, dst FROM event WHERE job_id = ? ORDER BY seq", (job_id,)).fetchall()
            if [frm for frm, _ in moves] != ["draft", *(dst for _, dst in moves[:-1])] or moves[-1][1] != state:
                yield f"the journal tells of {moves} and then of {state}"
        ((jobs,),) = journal.execute("SELECT count(*) FROM job").fetchall()
        ((mode,),) = journal.execute("PRAGMA journal_mode").fetchall()
        if mode != "wal":
            yield f"the journal works by {mode}"
        if jobs != 1:
            yield f"{jobs} jobs of one order"
    finally:
        journal.close()
