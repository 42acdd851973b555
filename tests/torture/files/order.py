"""In which order a job writes, syncs and sends: what may be lost in a power cut is decided by nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

WAL = "home/data/studio.sqlite3-wal"
SEND = "send POST /api/ai/queue"


def violations(heard: Sequence[str]) -> Iterator[str]:
    """What of the order is wrong, in the operations of one whole job."""
    sends = [n for n, words in enumerate(heard) if words == SEND]
    if len(sends) != 1:
        yield f"{len(sends)} paid requests"
        return
    (sent,) = sends
    yield from _of_the_intent(heard[:sent])
    yield from _of_the_id(heard[sent + 1 :])
    yield from _of_the_take(heard[sent + 1 :])


def _of_the_intent(before: Sequence[str]) -> Iterator[str]:
    """It is on the disk before the first byte leaves: the last thing that befell the journal is a sync."""
    of_journal = [words for words in before if words.endswith(WAL)]
    if of_journal[-1] != f"sync {WAL}":
        yield f"the request left after {of_journal[-1]}"
    asked = max(n for n, words in enumerate(before) if words.startswith("send "))
    if f"write {WAL}" not in before[asked:]:
        yield "nothing was written between the last question and the request"


def _of_the_id(after: Sequence[str]) -> Iterator[str]:
    """It is on the disk before the provider is asked for anything else."""
    until = [*after[: next((n for n, words in enumerate(after) if words.startswith("send ")), None)]]
    if _last(until, f"write {WAL}") is None or _last(until, f"sync {WAL}") is None:
        yield "the provider was asked again before the id was on the disk"


def _of_the_take(after: Sequence[str]) -> Iterator[str]:
    """Sync the part, verify it, name it, sync the folder, and only then call it completed."""
    parts = [words.removeprefix("write ") for words in after if words.startswith("write ") and words.endswith(".part")]
    if not parts:
        yield "nothing was downloaded"
        return
    part = parts[0]
    folder = part.rpartition("/")[0]
    named = next(
        (n for n, words in enumerate(after) if words.startswith(("link ", "rename ")) and folder in words), None
    )
    if named is None:
        yield "the take got no name"
        return
    steps = {
        "the part is written": _last(after, f"write {part}"),
        "the part is synced": _last(after, f"sync {part}"),
        "the part is read": _last(after, f"read {part}"),
        "the part gets its name": named,
        "the folder is synced": _last(after, f"sync {folder}"),
        "the journal is written": _first(after, f"write {WAL}", named),
        "the journal is synced": _first(after, f"sync {WAL}", named),
    }
    if missing := [step for step, at in steps.items() if at is None]:
        yield f"never: {', '.join(missing)}"
    elif list(steps.values()) != sorted(at for at in steps.values() if at is not None):
        yield f"in another order: {steps}"


def _last(heard: Sequence[str], words: str) -> int | None:
    return next((n for n in range(len(heard) - 1, -1, -1) if heard[n] == words), None)


def _first(heard: Sequence[str], words: str, after: int) -> int | None:
    return next((n for n in range(after, len(heard)) if heard[n] == words), None)
