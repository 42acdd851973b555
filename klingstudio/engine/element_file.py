"""One element as one file, to be taken to another computer: a zip of a manifest and its pictures.

What comes from elsewhere is not trusted. No name of the file is used on the disk, nothing is read beyond what it
announces, and what it announces is limited.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from klingstudio.domain.element import ANGLES_KEPT_MAX, LibraryElement, tidy_name, tidy_notes, tidy_tags
from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media.whole_file import new_part, writing

ENDING = ".klingelement"
VERSION = 1
PICTURE_MAX_BYTES = 60_000_000
FILE_MAX_BYTES = 240_000_000
_MANIFEST = "manifest.json"
_MANIFEST_MAX_BYTES = 64_000
_FORMAT = "klingelement"
_ENTRIES_MAX = ANGLES_KEPT_MAX + 2
_PICTURE_NAME = re.compile(r"(front|angle-[1-9])\.(jpg|jpeg|png|webp)")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_END_BYTES, _LOCATOR_BYTES, _INDEX_MAX_BYTES = 22, 20, 64_000
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What an element file holds. Whether its pictures are pictures is not known yet."""

    name: str
    tags: tuple[str, ...]
    notes: str
    pictures: tuple[Path, ...]
    """The frontal one first."""


class _Version(msgspec.Struct):
    format: str
    version: int


class _Manifest(msgspec.Struct):
    format: str
    version: int
    name: str
    frontal: str
    angles: list[str] = msgspec.field(default_factory=list)
    tags: list[str] = msgspec.field(default_factory=list)
    notes: str = ""


def pack(element: LibraryElement, out: Path) -> None:
    """Write the file, whole or not at all. The same element gives the same bytes.

    Raises:
        InputRefused: a picture is not there any more.
        DiskProblem: `out` cannot be written.
    """
    names = _names(element)
    manifest = _Manifest(
        format=_FORMAT,
        version=VERSION,
        name=element.name,
        frontal=names[0],
        angles=list(names[1:]),
        tags=list(element.tags),
        notes=element.notes,
    )
    pictures = [_read_picture(Path(place)) for place in element.places]
    part = new_part(out)
    with writing(part, out), zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry(_MANIFEST), msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        for name, content in zip(names, pictures, strict=True):
            archive.writestr(_entry(name), content)


def unpack(path: Path, into: Path) -> Unpacked:
    """Put the pictures of a file into the folder `into`, under names of our own.

    Raises:
        InputRefused: it is no element file, damaged, too large, of a newer program, lacks a picture, or holds what
            does not belong there.
        OSError: `into` cannot be written.
    """
    _look_from_outside(path)
    with _translated(path), zipfile.ZipFile(path) as archive:
        entries = _entries(archive, path)
        manifest = _manifest(_content(archive, entries[_MANIFEST], path), path)
        found = [_picture(archive, entries, name, path) for name in (manifest.frontal, *manifest.angles)]
    pictures = []
    for number, (ending, content) in enumerate(found):
        picture = into / f"{'front' if number == 0 else f'angle-{number}'}{ending}"
        picture.write_bytes(content)
        pictures.append(picture)
    return Unpacked(
        name=tidy_name(manifest.name),
        tags=tidy_tags(manifest.tags),
        notes=tidy_notes(manifest.notes),
        pictures=tuple(pictures),
    )


def _names(element: LibraryElement) -> list[str]:
    stems = ["front", *(f"angle-{n}" for n in range(1, len(element.angles) + 1))]
    return [stem + Path(place).suffix.lower() for stem, place in zip(stems, element.places, strict=True)]


def _entry(name: str) -> zipfile.ZipInfo:
    # Neither the moment nor the owner belongs into the file.
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _read_picture(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputRefused(Kind.IMAGE_MISSING, path.name) from error


def _look_from_outside(path: Path) -> None:
    """Refuse what need not be opened as a zip, and one whose list of entries alone would fill the memory."""
    try:
        found = path.stat()
        # A pipe would hold whoever opens it.
        if not stat.S_ISREG(found.st_mode):
            raise InputRefused(Kind.ELEMENT_FILE_WRONG, f"{path.name} is not a file")
        if found.st_size > FILE_MAX_BYTES:
            raise _too_large(path, found.st_size, FILE_MAX_BYTES)
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(max(0, found.st_size - _END_BYTES - _LOCATOR_BYTES))
            tail = file.read()
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or "cannot be opened"
        raise InputRefused(Kind.ELEMENT_FILE_WRONG, f"{path.name}: {words}") from error
    if head != b"PK\x03\x04":
        raise InputRefused(Kind.ELEMENT_FILE_WRONG, path.name)
    locator, end = tail[:-_END_BYTES], tail[-_END_BYTES:]
    # Only what this program writes: no comment behind the list, and no second list for giant archives.
    if end[:4] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise InputRefused(Kind.ELEMENT_FILE_DAMAGED, path.name)
    count, index_bytes = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if locator[:4] == b"PK\x06\x07" or count > _ENTRIES_MAX or index_bytes > _INDEX_MAX_BYTES:
        raise InputRefused(Kind.ELEMENT_FILE_UNSAFE, f"{path.name}: more than {_ENTRIES_MAX} entries")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        # The reader of zips passes on whatever a broken one trips over.
        raise InputRefused(Kind.ELEMENT_FILE_DAMAGED, path.name) from error


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    if _MANIFEST not in {info.filename for info in infos}:
        raise InputRefused(Kind.ELEMENT_FILE_WRONG, path.name)
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        is_ours = info.filename == _MANIFEST or _PICTURE_NAME.fullmatch(info.filename) is not None
        is_plain = kind in (0, stat.S_IFREG) and info.compress_type in _METHODS and not info.flag_bits & _ENCRYPTED
        if not is_ours or not is_plain or info.filename in entries:
            raise InputRefused(Kind.ELEMENT_FILE_UNSAFE, f"{path.name}: {tidy_name(info.filename)}")
        entries[info.filename] = info
    total = sum(info.file_size for info in infos)
    if total > FILE_MAX_BYTES:
        raise _too_large(path, total, FILE_MAX_BYTES)
    return entries


def _manifest(content: bytes, path: Path) -> _Manifest:
    try:
        said = msgspec.json.decode(content, type=_Version)
        if said.format != _FORMAT:
            raise InputRefused(Kind.ELEMENT_FILE_WRONG, path.name)
        if said.version > VERSION:
            raise InputRefused(Kind.ELEMENT_FILE_TOO_NEW, f"version {said.version}; this program knows {VERSION}")
        manifest = msgspec.json.decode(content, type=_Manifest)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InputRefused(Kind.ELEMENT_FILE_DAMAGED, path.name) from error
    if said.version < 1 or len(manifest.angles) > ANGLES_KEPT_MAX:
        raise InputRefused(Kind.ELEMENT_FILE_DAMAGED, path.name)
    return manifest


def _picture(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], name: str, path: Path) -> tuple[str, bytes]:
    """Ending and content of a picture that the manifest names."""
    info = entries.get(name)
    if info is None or name == _MANIFEST:
        raise InputRefused(Kind.ELEMENT_FILE_INCOMPLETE, tidy_name(name))
    return Path(name).suffix, _content(archive, info, path)


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> bytes:
    most = _MANIFEST_MAX_BYTES if info.filename == _MANIFEST else PICTURE_MAX_BYTES
    if info.file_size > most:
        raise _too_large(path, info.file_size, most)
    with archive.open(info) as file:
        # No more than announced and allowed, whatever it would unpack to.
        content = file.read(most + 1)
    if len(content) != info.file_size:
        raise InputRefused(Kind.ELEMENT_FILE_DAMAGED, path.name)
    return content


def _too_large(path: Path, size_bytes: int, most: int) -> InputRefused:
    words = f"{path.name}: {size_bytes / 1e6:.1f} MB; the most is {most / 1e6:g} MB"
    return InputRefused(Kind.ELEMENT_FILE_TOO_LARGE, words)
