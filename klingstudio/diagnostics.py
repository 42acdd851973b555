"""A report for whoever helps: facts about the program, each chosen by its name. What is not named here does not get in.

There is no prompt in it, no key, no address and, unless the person wants it, no name of a file. Made without the
window and beside a running one, also where the journal cannot be opened.
"""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from klingstudio import __version__
from klingstudio.domain.errors import StudioError
from klingstudio.domain.job import Job
from klingstudio.life import last_crash
from klingstudio.logs import LOG_NAME, redact
from klingstudio.paths import Paths
from klingstudio.store.backups import backups_of
from klingstudio.store.database import open_for_reading
from klingstudio.store.jobs import JobStore
from klingstudio.store.settings import Choices, Settings

JOBS_SHOWN = 20
LINES_SHOWN = 200
_TAIL_BYTES = 200_000
_LIBRARIES = ("PySide6-Essentials", "qasync", "httpx", "truststore", "keyring", "av", "pillow", "msgspec")
_UNNAMED = "‹name›"

_PLACE = re.compile(r"(?:[A-Za-z]:)?(?:[/\\][^/\\\s\"'<>:|]+){2,}[/\\]?")
_FILE = re.compile(
    r"[^\s/\\\"'<>:|(]+\.(?:mp4|mov|m4v|mkv|webm|avi|mxf|mts|png|jpe?g|webp|gif|heic|kelement)\b", re.IGNORECASE
)
_OURS = ("klingstudio", "site-packages", "lib", "asyncio")
"""Folders of the program and of Python: what comes after them names nobody's files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What only the caller knows."""

    keys: Mapping[str, str]
    """Where the key of each service is kept, by the service's id; never the key."""
    screen: str = ""
    """Size and scale; empty where there is no window."""
    has_proxy: bool = False
    """Whether a proxy is set, in whatever way; never its address."""


def has_proxy(environ: Mapping[str, str]) -> bool:
    """Whether the environment names one."""
    return any(value for name, value in environ.items() if name.upper() in {"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"})


def report(paths: Paths, around: Around, *, with_names: bool = False, now: datetime | None = None) -> str:
    """The whole text. May take a second, and belongs on a thread.

    Args:
        with_names: also the names of sources and takes.
    """
    journal = _read_journal(paths)
    private = () if with_names else tuple(_names(journal.jobs))
    prompts = tuple(job.request.prompt for job in journal.jobs)
    parts: list[tuple[str, Callable[[], Iterable[str]]]] = [
        ("Kling Studio", lambda: _program(around, now or datetime.now(UTC))),
        ("Keys", lambda: [f"{name}: {where}" for name, where in around.keys.items()]),
        ("Settings", lambda: _settings(journal.choices)),
        ("Journal", lambda: _journal(paths, journal)),
        ("Space", lambda: _space(paths)),
        (f"Last {JOBS_SHOWN} edits", lambda: [_job(job, with_names=with_names) for job in journal.jobs[:JOBS_SHOWN]]),
        ("Last crash", lambda: last_crash(paths.logs).splitlines()),
        (f"Last {LINES_SHOWN} lines of the log", lambda: _tail(paths.logs)),
    ]
    # Whatever a line says, it passes here last.
    clean = _Cleaner(private=private, never=prompts, with_names=with_names)
    return "\n\n".join("\n".join([f"== {title}", *map(clean, _told(lines))]) for title, lines in parts) + "\n"


def _told(lines: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return list(lines()) or ["none"]
    except (StudioError, OSError, ValueError) as error:
        # A report without one of its parts still helps.
        return [f"cannot be told: {type(error).__name__}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Journal:
    state: str
    sqlite: str = ""
    jobs: Sequence[Job] = ()
    choices: Choices | None = None


def _read_journal(paths: Paths) -> _Journal:
    """Beside a running studio; what cannot be read is a fact, too."""
    try:
        database = open_for_reading(paths.database)
        if database is None:
            return _Journal(state="there is none yet")
        with closing(database):
            version = str(database.read("SELECT sqlite_version()")[0][0])
            return _Journal(
                state="whole", sqlite=version, jobs=JobStore(database).all(), choices=Settings(database).choices
            )
    except StudioError as error:
        return _Journal(state=str(error.problem.kind))
    except OSError as error:
        return _Journal(state=f"cannot be read: {type(error).__name__}")


def _program(around: Around, now: datetime) -> Iterator[str]:
    from klingstudio.media.version import ffmpeg_version

    yield f"version: {__version__}"
    yield f"made: {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"Python: {platform.python_version()} ({sys.implementation.name}, {platform.machine()})"
    yield f"system: {platform.platform()}"
    if around.screen:
        yield f"screen: {around.screen}"
    yield f"proxy: {'yes' if around.has_proxy else 'no'}"
    yield f"FFmpeg: {ffmpeg_version()}"
    for name in _LIBRARIES:
        try:
            yield f"{name}: {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name}: not there"


def _settings(choices: Choices | None) -> Iterator[str]:
    if choices is None:
        return
    yield f"service: {choices.provider or 'not chosen'}"
    yield f"quality: {choices.tier}, takes: {choices.takes}, sound: {_yes(choices.keep_audio)}"
    yield f"theme: {choices.theme}, seconds to take back: {_yes(choices.send_grace)}"
    yield f"agreed to public uploads at: {', '.join(sorted(choices.upload_consent)) or 'none'}"
    yield f"files by: {choices.inputs_via or 'not chosen'}, billed to an organisation: {_yes(bool(choices.billed_to))}"
    yield f"limits on spending: {len(choices.caps)}, own words for prompts: {len(choices.snippets)}"


def _journal(paths: Paths, journal: _Journal) -> Iterator[str]:
    yield f"state: {journal.state}"
    if journal.sqlite:
        yield f"SQLite: {journal.sqlite}"
    if paths.database.exists():
        yield f"size: {paths.database.stat().st_size} bytes"
    kept = backups_of(paths.database)
    yield f"backups: {len(kept)}{f', the newest {kept[0].name}' if kept else ''}"
    for state, count in sorted(Counter(job.state for job in journal.jobs).items()):
        yield f"{state}: {count}"


def _space(paths: Paths) -> Iterator[str]:
    for name, folder in (("data", paths.data), ("cache", paths.cache), ("takes", paths.takes)):
        there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
        usage = shutil.disk_usage(there)
        yield f"{name}: {usage.free // 10**6} of {usage.total // 10**6} MB free"


def _job(job: Job, *, with_names: bool) -> str:
    problem = job.problem
    facts = [
        f"{job.created_at.astimezone(UTC):%m-%d %H:%M}",
        job.id[:8],
        job.request.provider,
        str(job.state),
        *(["paused"] if job.paused else []),
        f"since {job.updated_at.astimezone(UTC):%m-%d %H:%M}",
        *([f"{problem.kind}, charged: {problem.charged}"] if problem is not None else []),
    ]
    if with_names:
        facts += [Path(place).name for place in (job.request.source, job.take) if place]
    return "  ".join(facts)


def _tail(folder: Path) -> list[str]:
    place = folder / LOG_NAME
    if not place.exists():
        return []
    with place.open("rb") as file:
        file.seek(max(0, place.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace").splitlines()[-LINES_SHOWN:]


def _names(jobs: Iterable[Job]) -> Iterator[str]:
    """What the person's files are called, wherever the journal says so."""
    for job in jobs:
        request = job.request
        for place in (request.source, job.take, job.planned_take, request.out, *(p for _, p in request.pictures())):
            if place:
                yield place
                yield Path(place).name
                yield Path(place).stem
        if request.billed_to:
            yield request.billed_to


class _Cleaner:
    """Takes out of a line what the person did not agree to tell."""

    _least_chars = 3
    """A shorter name would take harmless words with it."""

    def __init__(self, *, private: Iterable[str], never: Iterable[str], with_names: bool) -> None:
        words = {one for one in private if len(one) >= self._least_chars}
        # A long prompt may have been cut on its way into a line.
        words |= {part for prompt in never for part in (prompt, prompt[:40]) if len(part) >= self._least_chars}
        self._words = sorted(words, key=len, reverse=True)
        self._home = str(Path.home())
        self._with_names = with_names

    def __call__(self, line: str) -> str:
        line = redact(line)
        for word in self._words:
            line = line.replace(word, _UNNAMED)
        if len(self._home) >= self._least_chars:
            line = line.replace(self._home, "~")
        if not self._with_names:
            line = _FILE.sub(_UNNAMED, _PLACE.sub(_place, line))
        return line


def _place(found: re.Match[str]) -> str:
    parts = re.split(r"[/\\]", found[0])
    ours = next((at for at, part in enumerate(parts) if part in _OURS), None)
    return f"…/{'/'.join(parts[ours:])}" if ours is not None else _UNNAMED


def _yes(value: bool) -> str:
    return "yes" if value else "no"
