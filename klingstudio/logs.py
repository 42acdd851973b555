"""The log: a rotating file, the job each line belongs to, and no secret in any of them.

Lines look like `2026-11-20T17:42:05.120Z INFO  klingstudio.engine.runner [job 8f3a] uploaded clip.mp4`. What goes on
below one, as a traceback does, is indented, so that no text of a server can look like a line of ours.
"""

from __future__ import annotations

import base64
import copy
import faulthandler
import logging
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

_FILE_MAX_BYTES = 5_000_000
_FILE_COUNT = 5
_TEXT_MAX_CHARS = 20_000
_MASK = "***"
_CONCEAL_MIN_CHARS = 8
_CRASH_FILE_MOST_BYTES = 256_000
_REPEATS_WITHIN_S = 600.0
"""A line that was written so recently is counted instead of written again: a week offline stays small."""
_REPEATS_KNOWN = 128
_INDENT = "    "

LOG_NAME = "klingstudio.log"

_CHATTY = ("httpx", "httpcore", "h11", "hpack", "h2")
"""Libraries that write addresses, and headers with the key, where they are asked to."""

_job_id: ContextVar[str] = ContextVar("job_id", default="")
_concealed: set[str] = set()

# Each rule is linear in the length of the text: its start is rare, or what follows it is bounded.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # https://name:password@host
    (re.compile(r"(?i)(:(?:\\?/){2})[^\s/?#@\"'<>]{1,500}@"), rf"\1{_MASK}@"),
    # https://host/path?signature=…  Signed addresses carry their secret in the query. In JSON a slash may be escaped.
    (re.compile(r"(?i)(:(?:\\?/){2}[^\s?#\"'<>]{0,2000})([?#])[^\s\"'<>]+"), rf"\1\2{_MASK}"),
    # a JSON web token, wherever it stands
    (re.compile(r"\beyJ[\w-]{8,2000}\.[\w-]{8,4000}(?:\.[\w-]{0,2000})?"), _MASK),
    # Authorization: Bearer …, 'authorization': 'Key …', x-api-key=…, SOME_API_KEY=…, "upload_token": …, X-Amz-Signature: …
    (
        re.compile(
            r"(?i)(authorization|api[-_]?key|_key|token|cookie|signature|x-amz-credential|secret|password)"
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
        _concealed.update(_shapes(secret))


def _shapes(secret: str) -> Iterator[str]:
    """A key as it is, and as services echo it: in base64 at any place of a longer text, percent-encoded, as hex."""
    from urllib.parse import quote

    raw = secret.encode("utf-8", "surrogatepass")
    yield secret
    yield quote(raw, safe="")
    yield raw.hex()
    yield raw.hex().upper()
    for offset in range(3):
        # Six bits a letter: the first and the last one may hold bits of the neighbours.
        start, end = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * offset + raw + b"\0" * 3)[start:end].decode("ascii")


def redact(text: str) -> str:
    """The text without keys, passwords and the query part of addresses, shortened where it is very long."""
    text = without_keys(text)
    if len(text) > _TEXT_MAX_CHARS:
        text = f"{text[:_TEXT_MAX_CHARS]}… ({len(text) - _TEXT_MAX_CHARS} more characters)"
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def without_keys(text: str) -> str:
    """The text with every key that was ever read masked, in whatever shape it is there."""
    # The longest first: another one may be a part of it.
    for secret in sorted(_concealed, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text


def one_entry(text: str) -> str:
    """The text with every further line indented, and without what only looks like a new line or turns words around."""
    text = text.replace("\r\n", "\n").translate(_ODD)
    return text.replace("\n", f"\n{_INDENT}")


_ODD = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in (
        *(n for n in range(0x20) if chr(n) not in "\n\t"),
        *range(0x7F, 0xA0),
        *(0x061C, 0x200E, 0x200F, 0x2028, 0x2029),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
}
"""Control characters, what else `splitlines` takes for the end of a line, and the marks of writing direction."""


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
        record.msg, record.args = one_entry(redact(message)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = self._plain.formatException(record.exc_info)
        if record.exc_text and not record.exc_text.startswith(_INDENT):
            record.exc_text = _INDENT + one_entry(redact(record.exc_text))
        record.stack_info = None
        return True


class QuietFilter(logging.Filter):
    """Keeps out what the HTTP library says of each request, also when somebody asks every logger for everything."""

    def filter(self, record: logging.LogRecord) -> bool:
        library = record.name.partition(".")[0]
        return library not in _CHATTY or record.levelno >= logging.WARNING


class _LogFile(RotatingFileHandler):
    """Counts a line that comes again and again.

    A log that cannot be written, as on a full disk, is no reason to disturb the person's work.
    """

    def __init__(self, place: Path, *, max_bytes: int) -> None:
        super().__init__(
            place, maxBytes=max_bytes, backupCount=_FILE_COUNT - 1, encoding="utf-8", errors="backslashreplace"
        )
        self._repeats: OrderedDict[tuple[object, ...], _Repeat] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        # How long something took is another each time.
        words = re.sub(r"\d+(?:\.\d+)? m?s\b", "", str(record.msg))
        line = (record.name, record.levelno, getattr(record, "job", ""), words, record.exc_text)
        now = time.monotonic()
        known = self._repeats.get(line)
        if known is not None and now - known.written_at < _REPEATS_WITHIN_S:
            known.count, known.last = known.count + 1, _bare(record)
            return
        if known is not None:
            self._tell(known)
        self._repeats[line] = _Repeat(now, _bare(record))
        self._repeats.move_to_end(line)
        super().emit(record)
        if len(self._repeats) > _REPEATS_KNOWN:
            self._tell(self._repeats.popitem(last=False)[1])

    def close(self) -> None:
        """Write what was only counted, then close the file."""
        with self.lock if self.lock is not None else nullcontext():
            while self._repeats:
                self._tell(self._repeats.popitem(last=False)[1])
        # What could not be written is tried once more here, and fails once more.
        with suppress(OSError):
            super().close()

    def _tell(self, repeat: _Repeat) -> None:
        if repeat.count:
            times = "once" if repeat.count == 1 else f"{repeat.count} times"
            repeat.last.msg = f"{repeat.last.msg} … {times} more"
            super().emit(repeat.last)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        pass


class _Repeat:
    """One line, and how often it came again since it was written."""

    __slots__ = ("count", "last", "written_at")

    def __init__(self, written_at: float, record: logging.LogRecord) -> None:
        self.written_at = written_at
        self.last = record
        self.count = 0


def _bare(record: logging.LogRecord) -> logging.LogRecord:
    """What is kept of a line: not the frames of its traceback, and with them all that they hold."""
    bare = copy.copy(record)
    bare.exc_info = bare.exc_text = None
    return bare


def start(folder: Path, *, level: int = logging.INFO, file_max_bytes: int = _FILE_MAX_BYTES) -> Callable[[], None]:
    """Write the log to `folder`, five files at most, and the place of a hard crash to `crash.txt` beside it.

    Where the folder cannot be written the program goes on without a log.

    Returns:
        A function that ends it and closes the files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(folder / LOG_NAME, max_bytes=file_max_bytes)
    except OSError:
        return lambda: None

    formatter = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s%(job)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(QuietFilter())
    handler.addFilter(JobFilter())
    handler.addFilter(RedactionFilter())

    root, ours = logging.getLogger(), logging.getLogger("klingstudio")
    level_before = ours.level
    ours.setLevel(level)
    # At INFO these two write every address with its query.
    for name in _CHATTY:
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
        if place.exists() and place.stat().st_size > _CRASH_FILE_MOST_BYTES:
            place.unlink()
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
