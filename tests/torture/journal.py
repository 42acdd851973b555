"""Damage to the journal, case by case: each must end whole, or told and restorable. Never silent, never as a bug.

Two journals are damaged: one whose program ended by itself, and one whose program was killed, so that its last changes
lie in SQLite's log. What was there before is known row by row, so that a single changed letter is noticed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.store.backups import back_up
from klingstudio.store.database import open_database
from klingstudio.store.rescue import Way, put_back, rescue_of
from klingstudio.store.seal import read_seal, write_seal
from tests.fakes.journals import content, content_of, fill, fill_and_be_killed
from tests.torture.parts import Stint, Verdict

CASES = 500
PAGE = 4096
NAME = "studio.sqlite3"
_TOLD = frozenset({Kind.DATABASE_DAMAGED, Kind.DATABASE_ALTERED, Kind.DATABASE_GONE})

Content = dict[str, list[tuple[Any, ...]]]
Harm = Callable[[Path, Random], None]
"""Damages the journal at this place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A journal that is copied for every case."""

    folder: Path
    content: Content
    backed_up: Content
    """What its newest backup has."""
    name: str


def originals(folder: Path, jobs: int) -> tuple[Original, Original]:
    """One that was closed and one whose program was killed, with so many jobs, a tenth of them after the backup."""
    later = max(5, jobs // 10)
    closed = folder / "closed"
    closed.mkdir()
    database = open_database(closed / NAME)
    fill(database, jobs - later, seed=1)
    assert back_up(closed / NAME) is not None
    backed_up = content(database)
    fill(database, later, seed=2, first=jobs - later)
    database.close()
    killed = folder / "killed"
    shutil.copytree(closed, killed)
    fill_and_be_killed(killed / NAME, (jobs, later))
    # What the killed one has is known from a copy: a look at it would change it.
    shutil.copytree(killed, folder / "looked at")
    return (
        Original(folder=closed, content=content_of(closed / NAME), backed_up=backed_up, name="closed"),
        Original(folder=killed, content=content_of(folder / "looked at" / NAME), backed_up=backed_up, name="killed"),
    )


# ------------------------------------------------------------------------------------------------------------ damage


def flip(suffix: str, most: int) -> Harm:
    """Some bits of a file are others."""

    def harm(journal: Path, random: Random) -> None:
        place = journal.with_name(journal.name + suffix)
        data = bytearray(place.read_bytes())
        for _ in range(random.randint(1, most)):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        place.write_bytes(data)

    return harm


def cut(suffix: str, *, to_page: bool = False) -> Harm:
    """The end of a file is missing."""

    def harm(journal: Path, random: Random) -> None:
        place = journal.with_name(journal.name + suffix)
        size = random.randrange(place.stat().st_size)
        os.truncate(place, size - size % PAGE if to_page else size)

    return harm


def overwrite(suffix: str, *, with_zeros: bool) -> Harm:
    """A page is something else."""

    def harm(journal: Path, random: Random) -> None:
        place = journal.with_name(journal.name + suffix)
        data = bytearray(place.read_bytes())
        begin = random.randrange(max(1, len(data) // PAGE)) * PAGE
        length = min(PAGE, len(data) - begin)
        data[begin : begin + length] = bytes(length) if with_zeros else random.randbytes(length)
        place.write_bytes(data)

    return harm


def remove(*suffixes: str) -> Harm:
    """Files are not there."""

    def harm(journal: Path, _random: Random) -> None:
        for suffix in suffixes:
            journal.with_name(journal.name + suffix).unlink(missing_ok=True)

    return harm


def swap_pages(journal: Path, random: Random) -> None:
    """Two pages have changed places."""
    data = bytearray(journal.read_bytes())
    one, other = (n * PAGE for n in random.sample(range(len(data) // PAGE), 2))
    data[one : one + PAGE], data[other : other + PAGE] = data[other : other + PAGE], data[one : one + PAGE]
    journal.write_bytes(data)


def halve_header(journal: Path, random: Random) -> None:
    """Only the beginning of the header was written."""
    data = bytearray(journal.read_bytes())
    begin = random.randint(1, 99)
    data[begin:100] = bytes(100 - begin)
    journal.write_bytes(data)


def put_an_old_one(journal: Path, random: Random) -> None:
    """Somebody copied an old journal into its place, with or without removing the log of the new one."""
    shutil.copyfile(next((journal.parent / "backups").iterdir()), journal)
    if random.random() < 0.5:
        remove("-wal", "-shm")(journal, random)


def empty_index(journal: Path, random: Random) -> None:
    """An index has lost its rows, while the log was being moved: nobody vouches for the main file then."""
    with closing(sqlite3.connect(journal, isolation_level=None)) as sql:
        name = random.choice(("one_open", "one_remote", "attempt_of_job", "event_of_job"))
        ((statement, root),) = sql.execute("SELECT sql, rootpage FROM sqlite_schema WHERE name = ?", (name,))
        sql.execute("PRAGMA writable_schema = ON")
        sql.execute("CREATE TABLE spare(x)")
        sql.execute("CREATE INDEX spare_index ON spare(x)")
        ((spare,),) = sql.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'spare_index'")
        sql.execute("UPDATE sqlite_schema SET rootpage = ? WHERE name = ?", (spare, name))
        sql.execute("UPDATE sqlite_schema SET rootpage = ? WHERE name = 'spare_index'", (root,))
        assert statement
    seal = read_seal(journal)
    assert seal is not None
    write_seal(journal, replace(seal, digest="", is_closed=False), synced=False)


HARMS: dict[str, Harm] = {
    "one bit": flip("", 1),
    "some bits": flip("", 8),
    "cut": cut(""),
    "cut at a page": cut("", to_page=True),
    "a page of zeros": overwrite("", with_zeros=True),
    "a page of noise": overwrite("", with_zeros=False),
    "two pages swapped": swap_pages,
    "half a header": halve_header,
    "gone": remove(""),
    "gone with all": remove("", "-wal", "-shm", "-seal"),
    "empty": lambda journal, _random: os.truncate(journal, 0),
    "an old one": put_an_old_one,
    "an index without its rows": empty_index,
    "the seal gone": remove("-seal"),
    "the seal flipped": flip("-seal", 1),
    "the seal cut": cut("-seal"),
    "copied alone": remove("-wal", "-shm", "-seal"),
}
HARMS_OF_A_LOG: dict[str, Harm] = {
    "the log gone": remove("-wal"),
    "the log and its index gone": remove("-wal", "-shm"),
    "the index of the log gone": remove("-shm"),
    "the index of the log flipped": flip("-shm", 8),
    "the log flipped": flip("-wal", 1),
    "the log cut": cut("-wal"),
    "a page of the log of zeros": overwrite("-wal", with_zeros=True),
}


# ------------------------------------------------------------------------------------------------------------- cases


def case(original: Original, harm_name: str, seed: int, folder: Path) -> tuple[str, list[str]]:
    """Damage a copy, then do what a person would: how it ended, and every promise that was broken on the way."""
    journal = folder / NAME
    shutil.copytree(original.folder, folder)
    (HARMS | HARMS_OF_A_LOG)[harm_name](journal, Random(seed))
    before = _files(folder)
    try:
        found = content_of(journal)
    except StudioError as error:
        return _told(original, journal, error.problem, before, Random(seed))
    except Exception as error:  # noqa: BLE001 - what is looked for
        return "bug", [f"{type(error).__name__}: {error}"]
    if found == original.content:
        return "whole", []
    return "silent", [_difference(original.content, found)]


def _told(
    original: Original, journal: Path, problem: Problem, before: dict[str, bytes], random: Random
) -> tuple[str, list[str]]:
    if problem.kind not in _TOLD:
        return "wrong words", [f"told as {problem.kind}: {problem.detail}"]
    broken = [] if _files(journal.parent) == before else ["something was changed before it was told"]
    offered = rescue_of(journal, problem)
    way = random.choice(offered.ways)
    if Way.BACKUP not in offered.ways:
        broken.append(f"no backup is offered, only {offered.ways}")
    backup = offered.backups[0].path if way is Way.BACKUP else None
    try:
        aside = put_back(journal, problem, way, backup, datetime.now(UTC))
        found = content_of(journal)
    except Exception as error:  # noqa: BLE001 - what is looked for
        return "bug", [*broken, f"{way}: {type(error).__name__}: {error}"]
    kept = {name: data for name, data in before.items() if name.startswith(NAME) and not name.endswith("-shm")}
    if not kept.items() <= _files(aside).items():
        broken.append("not every file was set aside")
    noted = found.pop("restoration")
    if len(noted) != 1:
        broken.append(f"{len(noted)} restorations are noted")
    if way is Way.BACKUP and found != {
        name: rows for name, rows in original.backed_up.items() if name != "restoration"
    }:
        broken.append("the backup did not come back whole")
    return f"{'restored' if way is Way.BACKUP else 'kept as it is'} ({problem.kind})", broken


def _files(folder: Path) -> dict[str, bytes]:
    # SQLite makes and removes an empty log and the log's index as it looks; neither holds anything.
    found = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file() and one.name != "reserve"}
    return {name: data for name, data in found.items() if not name.endswith("-shm") and (data or name == NAME)}


def _difference(wanted: Content, found: Content) -> str:
    names = [name for name in wanted if wanted[name] != found[name]]
    return "opened without a word, but different: " + ", ".join(
        f"{name} ({len(wanted[name])} rows, now {len(found[name])})" for name in names
    )


def run(stint: Stint, cases: int = CASES, jobs: int = 300) -> Verdict:
    """Every kind of damage in turn, until there were so many."""
    ends: Counter[str] = Counter()
    harms: Counter[str] = Counter()
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="klingstudio-journal-") as place:
        folder = Path(place)
        closed, killed = originals(folder, jobs)
        plan = [(closed, name) for name in HARMS] + [(killed, name) for name in HARMS | HARMS_OF_A_LOG]
        for number in range(cases):
            if stint.is_over():
                break
            original, name = plan[number % len(plan)]
            seed, here = stint.seed + number, folder / f"case-{number}"
            end, wrong = case(original, name, seed, here)
            ends[end] += 1
            harms[name] += 1
            broken += [f"{name}, {original.name}, seed {seed}: {one}" for one in wrong]
            shutil.rmtree(here, ignore_errors=True)
    counts: dict[str, int | float | str] = {"cases": ends.total(), "kinds of damage": len(harms)}
    return Verdict(part="journal", counts=counts | dict(sorted(ends.items())), violations=tuple(broken))
