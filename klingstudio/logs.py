"""The log: a rotating file, the job each line belongs to, and no secret in any of them.

Lines look like `2026-11-20T17:42:05.120Z INFO  klingstudio.engine.runner [job 8f3a] uploaded clip.mp4`.
"""

from __future__ import annotations

import faulthandler
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

_FILE_MAX_BYTES = 5_000_000
_FILE_COUNT = 5
_TEXT_MAX_CHARS = 20_000
_MASK = "***"
_CONCEAL_MIN_CHARS = 8

_job_id: ContextVar[str] = ContextVar("job_id", default="")
_concealed: set[str] = set()

# Each rule is linear in the length of the text: its start is rare, or what follows it is bounded.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # https://name:password@host
    (re.compile(r"(?i)(://)[^\s/?#@\"'<>]{1,500}@"), rf"\1{_MASK}@"),
    # https://host/path?signature=…  Signed addresses carry their secret in the query.
    (re.compile(r"(?i)(://[^\s?\"'<>]{0,2000})\?[^\s\"'<>]+"), rf"\1?{_MASK}"),
    # Authorization: Bearer …, 'authorization': 'Key …', x-api-key=…, OXEN_API_KEY=…
    (
        re.compile(
            r"(?i)(authorization|api[-_]?key|_key|access[-_]?token|cookie)"
            r"(\\?[\"']?\s{0,5}[:=]\s{0,5}(?:b(?=[\"']))?\\?[\"']?)(?:(?:bearer|key|basic|token)\s{1,5})?[^\s\"',;)\]}\\]+"
        ),
        rf"\1\2{_MASK}",
    ),
    # Bearer … on its own
    (re.compile(r"(?i)\b(bearer|key|basic)(\s{1,5})[A-Za-z0-9][\w.~+/=:-]{11,}"), rf"\1\2{_MASK}"),
)


def conceal(secret: str) -> None:
    """Never write this text into a log again, in whatever shape it turns up. Used for each key that is read."""
    if len(secret) >= _CONCEAL_MIN_CHARS:
        _concealed.add(secret)


def redact(text: str) -> str:
    """The text without keys, passwords and the query part of addresses, shortened where it is very long."""
    for secret in _concealed:
        text = text.replace(secret, _MASK)
    if len(text) > _TEXT_MAX_CHARS:
        text = f"{text[:_TEXT_MAX_CHARS]}… ({len(text) - _TEXT_MAX_CHARS} more characters)"
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


@contextmanager
def about_job(job_id: str) -> Iterator[None]:
    """Name this job in every line that is logged inside, also from tasks that are started there."""
    token = _job_id.set(job_id)
    try:
        yield
    finally:
        _job_id.reset(token)


class JobFilter(logging.Filter):
    """Adds the job to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        job = _job_id.get()
        record.job = f" [job {job}]" if job else ""
        return True


class RedactionFilter(logging.Filter):
    """Takes secrets out of message, arguments and traceback, for this and every later handler."""

    _plain = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a log line with wrong arguments must not stop the program
            message = f"{record.msg} (arguments do not fit: {error})"
        record.msg, record.args = redact(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = self._plain.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


class _LogFile(RotatingFileHandler):
    """A log that cannot be written, as on a full disk, is no reason to disturb the person's work."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        pass


def start(folder: Path, *, level: int = logging.INFO, file_max_bytes: int = _FILE_MAX_BYTES) -> Callable[[], None]:
    """Write the log to `folder`, five files at most, and the place of a hard crash to `crash.txt` beside it.

    Where the folder cannot be written the program goes on without a log.

    Returns:
        A function that ends it and closes the files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(
            folder / "klingstudio.log",
            maxBytes=file_max_bytes,
            backupCount=_FILE_COUNT - 1,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError:
        return lambda: None

    formatter = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s%(job)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(JobFilter())
    handler.addFilter(RedactionFilter())

    root, ours = logging.getLogger(), logging.getLogger("klingstudio")
    level_before = ours.level
    ours.setLevel(level)
    # At INFO these two write every address with its query.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    root.addHandler(handler)
    end_crash_file = _start_crash_file(folder / "crash.txt")

    def end() -> None:
        end_crash_file()
        root.removeHandler(handler)
        handler.close()
        ours.setLevel(level_before)

    return end


def _start_crash_file(place: Path) -> Callable[[], None]:
    was_enabled = faulthandler.is_enabled()
    try:
        file = place.open("a", encoding="utf-8")
    except OSError:
        return lambda: None
    faulthandler.enable(file)
    return lambda: _end_crash_file(file, place, was_enabled=was_enabled)


def _end_crash_file(file: TextIO, place: Path, *, was_enabled: bool) -> None:
    faulthandler.disable()
    file.close()
    with suppress(OSError):
        if place.stat().st_size == 0:
            place.unlink()
    # Under pythonw and in some services there is no standard error to go back to.
    if was_enabled and sys.__stderr__ is not None:
        with suppress(ValueError, OSError):
            faulthandler.enable(sys.__stderr__)
