"""Kills in the middle of what is done to the whole journal: before every single file operation of it, one life each.

    python -m tests.torture.journal_kills FOLDER

The operations are told by Python's audit events; what SQLite does by itself is killed at random times elsewhere. After
each life the place must hold the journal of before or of after, and never none.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.store.backups import back_up, backups_of, list_backups, read_backup
from klingstudio.store.database import open_database
from klingstudio.store.restore import begin_empty, keep_as_it_is, restore
from tests.fakes.journals import content, content_of, fill, released

NAME = "studio.sqlite3"
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_WATCHED = frozenset({"open", "os.remove", "os.rename", "os.link", "os.mkdir", "os.chmod", "sqlite3.connect"})

Act = Callable[[Path], None]
Content = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that is done to a journal, and what there may be when it was cut short."""

    name: str
    prepare: Act
    act: Act
    allowed: tuple[Content, ...]
    """What the next opening may find."""
    may_tell: bool = False
    """True: it may also be told, once more, that something is wrong, as before the deed."""


def deeds(folder: Path) -> Iterator[Deed]:
    """All of them, and the journals that they are done to."""
    whole = folder / "whole"
    whole.mkdir(parents=True)
    database = open_database(whole / NAME)
    fill(database, 12, seed=3)
    assert back_up(whole / NAME) is not None
    backed_up = content(database)
    fill(database, 4, seed=4, first=12)
    database.close()
    now = content_of(whole / NAME)
    nothing: Content = {name: [] for name in backed_up}

    def whole_one(journal: Path) -> None:
        shutil.copytree(whole, journal.parent)

    def altered(journal: Path) -> None:
        whole_one(journal)
        journal.with_name(f"{NAME}-seal").unlink()

    def released_one(journal: Path) -> None:
        journal.parent.mkdir()
        released(journal, 2, jobs=12)

    def nowhere(journal: Path) -> None:
        journal.parent.mkdir()

    def put_back(journal: Path) -> None:
        restore(journal, backups_of(journal)[0], AT)

    def open_and_close(journal: Path) -> None:
        open_database(journal).close()

    looked_at = folder / "released" / NAME
    folder.joinpath("released").mkdir()
    released(looked_at, 2, jobs=12)
    migrated = content_of(looked_at)
    yield Deed(name="back up", prepare=whole_one, act=_backed_up, allowed=(now,))
    yield Deed(name="restore", prepare=altered, act=put_back, allowed=(backed_up,), may_tell=True)
    yield Deed(
        name="keep", prepare=altered, act=lambda j: _ignored(keep_as_it_is(j, AT)), allowed=(now,), may_tell=True
    )
    yield Deed(
        name="empty", prepare=altered, act=lambda j: _ignored(begin_empty(j, AT)), allowed=(nothing,), may_tell=True
    )
    yield Deed(name="first opening", prepare=nowhere, act=open_and_close, allowed=(nothing,))
    yield Deed(name="opening", prepare=whole_one, act=open_and_close, allowed=(now,))
    yield Deed(name="migration", prepare=released_one, act=open_and_close, allowed=(migrated,))


def _ignored(_what: object) -> None:
    """Nobody wants the answer."""


def _backed_up(journal: Path) -> None:
    for one in backups_of(journal):
        # Old enough to be thinned.
        one.rename(one.with_name(f"studio-{AT - timedelta(days=400):%Y%m%dT%H%M%S}Z.sqlite3"))
    for days in range(1, 12):
        shutil.copyfile(
            backups_of(journal)[0],
            backups_of(journal)[0].with_name(f"studio-{AT - timedelta(days=40 * days):%Y%m%dT%H%M%S}Z.sqlite3"),
        )
    _ignored(back_up(journal))


def lives(deed: Deed, folder: Path) -> tuple[int, list[str]]:
    """Kill before the first operation, the second, … until there are none left: how many, and what was broken."""
    broken: list[str] = []
    number = 0
    while True:
        journal = folder / f"{number}" / NAME
        deed.prepare(journal)
        was_killed = _life(deed.act, journal, number)
        broken += [f"{deed.name}, operation {number}: {one}" for one in _wrong(deed, journal)]
        shutil.rmtree(journal.parent)
        if not was_killed:
            return number, broken
        number += 1


def _life(act: Act, journal: Path, kill_at: int) -> bool:
    """True when it was killed, False when it came to its end."""
    pid = os.fork()
    if pid == 0:
        left = [kill_at]

        def hook(event: str, args: tuple[Any, ...]) -> None:
            if (
                event in _WATCHED
                and args
                and journal.parent.name in str(args[0])
                and str(journal.parent) in str(args[0])
            ):
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1

        sys.addaudithook(hook)
        with contextlib.suppress(BaseException):
            act(journal)
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the deed failed by itself"
    return False


def _wrong(deed: Deed, journal: Path) -> Iterator[str]:
    for backup in backups_of(journal):
        if read_backup(backup) is None:
            yield f"{backup.name} counts and is not whole"
    try:
        found = content_of(journal)
    except StudioError as error:
        if not deed.may_tell:
            yield f"told: {error}"
        else:
            yield from _not_restorable(journal, error.problem)
        return
    without = [{name: rows for name, rows in one.items() if name != "restoration"} for one in (found, *deed.allowed)]
    if without[0] not in without[1:]:
        yield f"neither the journal of before nor of after: {len(found['job'])} jobs"


def _not_restorable(journal: Path, problem: Problem) -> Iterator[str]:
    if problem.kind not in {Kind.DATABASE_ALTERED, Kind.DATABASE_DAMAGED, Kind.DATABASE_GONE}:
        yield f"told as {problem.kind}"
    aside = [one / NAME for one in journal.parent.glob("set-aside-*")]
    if not journal.exists() and not any(one.exists() for one in aside):
        yield "there is no journal any more"
    backups = list_backups(journal)
    if not backups:
        yield "there is no backup any more"
        return
    restore(journal, backups[0].path, AT + timedelta(hours=1))
    content_of(journal)


def main() -> int:
    """Every deed; the exit code is 1 where a promise was broken."""
    folder = Path(sys.argv[1])
    all_broken: list[str] = []
    for deed in deeds(folder / "originals"):
        place = folder / deed.name
        place.mkdir()
        count, broken = lives(deed, place)
        print(f"{deed.name}: {count} kills, {len(broken)} broken promises", flush=True)
        all_broken += broken
    print("\n".join(all_broken))
    return int(bool(all_broken))


if __name__ == "__main__":
    sys.exit(main())
