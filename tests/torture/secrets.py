"""Looks for keys where none may be: in every file, log, database, archive, and in what other processes were given.

A key is looked for in the shapes in which it travels: as it is, backwards, in base64 at any place of a longer text,
percent-encoded, in hexadecimal, in UTF-16 and as JSON escapes.
"""

from __future__ import annotations

import base64
import gzip
import os
import sqlite3
import stat
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import IO
from urllib.parse import quote

from tests.torture.parts import Stint, Verdict

MARK = "ecret".rjust(6, "5")  # put together, so that neither this file nor what is compiled of it holds it
"""In every key that a test uses, so that one look finds them all."""

COPY_S = 1.0
"""How long a child may be no more than a copy of its parent."""

_CHUNK = 4_000_000
_UNPACKED_MOST = 64_000_000
"""Of one member of an archive; what is longer is read so far."""


@cache
def shapes(key: str) -> Mapping[str, bytes]:
    """What to look for, by the name of the shape; each once."""
    raw = key.encode()
    found = {
        "as it is": raw,
        "backwards": raw[::-1],
        # Between the bytes of either order: what both have in common.
        "in UTF-16": key.encode("utf-16-le").rstrip(b"\0"),
        "percent-encoded": quote(key, safe="").encode(),
        "percent-encoded throughout": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "percent-encoded throughout, small": "".join(f"%{byte:02x}" for byte in raw).encode(),
        "in hexadecimal": raw.hex().encode(),
        "in hexadecimal, large": raw.hex().upper().encode(),
        "as JSON escapes": "".join(f"\\u{ord(one):04x}" for one in key).encode(),
        "as JSON escapes, large": "".join(f"\\u{ord(one):04X}" for one in key).encode(),
    }
    for offset in range(3):
        # Six bits a letter: the first and the last one may hold bits of the neighbours.
        start, end = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        for name, encode in (("base64", base64.b64encode), ("urlsafe base64", base64.urlsafe_b64encode)):
            found[f"in {name} at {offset}"] = encode(b"\0" * offset + raw + b"\0" * 3)[start:end]
    firsts = {shape: name for name, shape in reversed(found.items())}
    return {name: shape for shape, name in reversed(firsts.items())}


def scan_bytes(place: str, content: bytes, keys: Iterable[str]) -> list[str]:
    """Where these bytes show a key: one line for each shape."""
    return [f"{place}: {_named(key)} {name}" for key in keys for name, shape in shapes(key).items() if shape in content]


def scan_files(folders: Iterable[Path], keys: Iterable[str]) -> list[str]:
    """Every key in a file below these folders, one line for each file and shape; a folder may be a file.

    Archives are looked into, and the values of a database are read in whole: its pages may part them.
    """
    wanted = tuple(keys)
    return sorted({line for folder in folders for path in _files(folder) for line in _scan_file(path, wanted)})


def scan_processes(pids: Iterable[int], keys: Iterable[str]) -> list[str]:
    """Every key on the command line or in the environment of these processes, as far as they still run. Linux only."""
    wanted = tuple(keys)
    return [line for pid in pids for line in _scan_process(pid, wanted)]


def _scan_process(pid: int, wanted: tuple[str, ...]) -> list[str]:
    # Until it has executed its own program, a child shows the environment of its parent.
    until = time.monotonic() + COPY_S
    while True:
        found = []
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                found += scan_bytes(f"process {pid}, {name}", Path(f"/proc/{pid}/{name}").read_bytes(), wanted)
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """The children of a process, theirs, and so on. Linux only."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found


def core_files(folders: Iterable[Path]) -> list[Path]:
    """What is left of a process that crashed: `core` and `core.123` in these very folders."""
    return [
        path
        for folder in folders
        for path in sorted(folder.glob("core*"))
        if path.is_file() and (path.name == "core" or path.suffix[1:].isdigit())
    ]


def _named(key: str) -> str:
    # What tells of a leak must not be one.
    return "a key" if key == MARK else f"the key …{key[-3:]}"


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        yield folder
        return
    for place, _folders, names in os.walk(folder):
        for name in names:
            yield Path(place, name)


def _scan_file(path: Path, keys: tuple[str, ...]) -> Iterator[str]:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return
        with path.open("rb") as file:
            head = file.read(16)
            file.seek(0)
            yield from _scan_stream(str(path), file, keys)
    except OSError:
        # Removed by whoever made it, while we looked.
        return
    if head.startswith(b"SQLite format 3\0"):
        yield from scan_bytes(f"{path}, its values", _values(path), keys)
    elif head.startswith(b"PK\3\4"):
        yield from _scan_zip(path, keys)
    elif head.startswith(b"\x1f\x8b"):
        with suppress(OSError, EOFError, zlib.error), gzip.open(path) as unpacked:
            yield from _scan_stream(f"{path}, unpacked", unpacked, keys, most=_UNPACKED_MOST)


def _scan_stream(
    place: str, stream: IO[bytes] | gzip.GzipFile, keys: tuple[str, ...], *, most: int | None = None
) -> Iterator[str]:
    overlap = max(len(shape) for key in keys for shape in shapes(key).values()) - 1 if keys else 0
    before = b""
    done = 0
    while (most is None or done < most) and (chunk := stream.read(_CHUNK)):
        yield from scan_bytes(place, before + chunk, keys)
        before, done = chunk[-overlap:] if overlap else b"", done + len(chunk)


def _scan_zip(path: Path, keys: tuple[str, ...]) -> Iterator[str]:
    unreadable = suppress(OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)
    with unreadable, zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as unpacked:
                yield from _scan_stream(f"{path}, {member.filename}", unpacked, keys, most=_UNPACKED_MOST)


def _values(path: Path) -> bytes:
    # Immutable: nothing is written beside a database that a test may still look at. The -wal is a file of its own.
    address = f"{path.absolute().as_uri()}?immutable=1"
    with suppress(sqlite3.Error), closing(sqlite3.connect(address, uri=True)) as journal:
        journal.text_factory = bytes
        tables = [name.decode() for (name,) in journal.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        parts: list[bytes] = []
        for table in tables:
            with suppress(sqlite3.Error):
                for row in journal.execute(f'SELECT * FROM "{table}"'):
                    parts += [value if isinstance(value, bytes) else str(value).encode() for value in row]
        return b"\n".join(parts)
    return b""


def run(stint: Stint) -> Verdict:
    """A whole job that fails wherever it waits, and not one trace of its key."""
    from tests.torture import forced

    return forced.run(stint)
