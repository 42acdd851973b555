"""Every state in which a power cut may leave a download: what was not synced may be missing, piece by piece.

A life is witnessed: each commit of the journal is kept as it came onto the disk, and each operation on the folder of takes.
From that follows, for every moment between two operations, what can be on the disk then: any of the names that were
given or taken since the folder was synced, and of each file that was not synced nothing, half, or all.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from tests.torture.files import judge
from tests.torture.files.bench import Bench
from tests.torture.files.witness import OPERATIONS, TAKES

_NOTHING, _HALF, _HOLE, _HOLLOW, _ALL = "nothing", "half", "a hole at its end", "its length, the rest zeros", "all"
_TORN = (_NOTHING, _HALF, _HOLE, _HOLLOW, _ALL)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a power cut may have left."""

    commit: int
    """Number of the journal's last commit that is on the disk."""
    names: tuple[tuple[str, str, str], ...]
    """Name, the file it is of, how much of that is there."""

    def __str__(self) -> str:
        files = ", ".join(f"of .{name.rpartition('.')[2]} {share}" for name, _, share in self.names)
        return f"after commit {self.commit}: {files or 'no file'}"


@dataclass(slots=True)
class _Disk:
    """What is surely on the disk, and what may be."""

    commit: int = 0
    sure: dict[str, str] = field(default_factory=dict)
    """Names → file, since the folder was synced last."""
    pending: list[tuple[str, str, str]] = field(default_factory=list)
    """`add` or `drop`, the name, and the file."""
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each file, how much of it may be there."""

    def hear(self, words: str) -> None:
        """One operation has happened."""
        what, _, place = words.partition(" ")
        name = place.removeprefix(TAKES).lstrip("/")
        match what:
            case "commit":
                self.commit += 1
            case "create":
                self.pending.append(("add", name, name))
                self.files[name] = (_NOTHING,)
            case "write":
                # The mark is too short to come in pieces of a block.
                self.files[name] = _TORN if name.endswith(".part") else (_NOTHING, _HALF, _ALL)
            case "sync" if not name:
                self.sure = self._with(self.pending)
                self.pending.clear()
            case "sync":
                self.files[name] = (_ALL,)
            case "link":
                part = next(known for known in self.files if known.endswith(".part"))
                self.pending.append(("add", name, part))
            case "unlink":
                self.pending.append(("drop", name, name))
            case _:
                pass  # It changes nothing.

    def moments(self) -> Iterator[Moment]:
        """All that may be found after a cut at this moment."""
        for chosen in product((False, True), repeat=len(self.pending)):
            names = self._with([one for one, is_there in zip(self.pending, chosen, strict=True) if is_there])
            files = sorted(set(names.values()))
            for shares in product(*(self.files[name] for name in files)):
                of = dict(zip(files, shares, strict=True))
                yield Moment(self.commit, tuple(sorted((name, file, of[file]) for name, file in names.items())))

    def _with(self, pending: list[tuple[str, str, str]]) -> dict[str, str]:
        names = dict(self.sure)
        for what, name, file in pending:
            if what == "add":
                names[name] = file
            else:
                names.pop(name, None)
        return names


def _torn(whole: bytes, share: str) -> bytes:
    half = len(whole) // 2
    match share:
        case "nothing":
            return b""
        case "half":
            return whole[:half]
        case "a hole at its end":
            return whole[:half] + bytes(half // 2)
        case "its length, the rest zeros":
            return whole[:half] + bytes(len(whole) - half)
        case _:
            return whole


def moments(folder: Path) -> list[Moment]:
    """Every different one of a witnessed life, in order."""
    disk, seen = _Disk(), dict[Moment, None]()
    for line in (folder / OPERATIONS).read_text(encoding="utf-8").splitlines():
        disk.hear(json.loads(line))
        if disk.files:
            seen |= dict.fromkeys(disk.moments())
    return list(seen)


def witnessed(bench: Bench) -> tuple[Path, list[Moment]]:
    """A whole life on a new home, and every moment of its download."""
    folder = bench.folder / "witnessed"
    shutil.rmtree(folder, ignore_errors=True)
    bench.begin()
    told = bench.live(bench.order(witnessed=str(folder)))
    assert told.take, told
    shutil.copytree(bench.folder / "case", folder / "case")
    return folder, moments(folder)


def try_moment(bench: Bench, folder: Path, moment: Moment) -> list[str]:
    """The power comes back at this moment, and the program is started again."""
    case = bench.folder / "case"
    shutil.rmtree(case)
    shutil.copytree(folder / "case", case, ignore=shutil.ignore_patterns("takes", "studio.sqlite3*"))
    for kept in (folder / str(moment.commit)).iterdir():
        shutil.copyfile(kept, bench.home / "data" / kept.name)
    takes = bench.home / "takes"
    takes.mkdir()
    for name, file, share in moment.names:
        whole = (folder / file).read_bytes()
        (takes / name).write_bytes(_torn(whole, share))
    return list(judge.of_last(bench, bench.live(bench.order(goes_on=True)), sends=1))
