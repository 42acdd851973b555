"""Reads a multipart body straight to disk, whatever its size."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

_FIELD_MAX_BYTES = 64 * 1024


class UploadWrong(Exception):
    """The body is not a form with files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One file of a form, on disk under a name of ours."""

    field: str
    filename: str
    path: Path
    size_bytes: int
    sha256: str


@dataclass(slots=True)
class Form:
    """The parts of a form."""

    files: list[Received] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


async def receive_form(content_type: str, chunks: AsyncIterator[bytes], folder: Path) -> Form:
    """Write the files of a form into `folder`. Where the body breaks off, nothing is left there.

    Raises:
        UploadWrong: the content type or the body is not multipart/form-data.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UploadWrong("multipart/form-data is wanted")
    reader = _Reader(folder)
    is_whole = False
    try:
        parser = MultipartParser(boundary, callbacks=reader.callbacks())  # type: ignore[arg-type]
        async for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
        if not reader.has_ended:
            raise UploadWrong("the form breaks off")
        is_whole = True
    except FormParserError as error:
        raise UploadWrong(f"not a form: {error}") from error
    finally:
        reader.close(keep=is_whole)
    return reader.form


class _Reader:
    """Called by the parser, piece by piece."""

    def __init__(self, folder: Path) -> None:
        self.form = Form()
        self.has_ended = False
        self._folder = folder
        self._header = [bytearray(), bytearray()]
        self._disposition = b""
        self._name = ""
        self._filename: str | None = None
        self._text = bytearray()
        self._file: BinaryIO | None = None
        self._path = folder
        self._hash = hashlib.sha256()
        self._size_bytes = 0

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._finish,
            "on_end": self._end,
        }

    def close(self, *, keep: bool) -> None:
        """Close what is open, and remove everything unless it is to be kept."""
        if self._file:
            self._file.close()
            self._path.unlink(missing_ok=True)
        if not keep:
            for received in self.form.files:
                received.path.unlink(missing_ok=True)

    def _begin(self) -> None:
        self._disposition = b""
        self._text.clear()

    def _header_end(self) -> None:
        name, value = (bytes(part) for part in self._header)
        if name.lower() == b"content-disposition":
            self._disposition = value
        self._header = [bytearray(), bytearray()]

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename")
        if filename is None:
            return
        self._filename = filename.decode("utf-8", "replace")
        self._path = self._folder / uuid.uuid4().hex
        self._file = self._path.open("wb")
        self._hash, self._size_bytes = hashlib.sha256(), 0

    def _data(self, data: bytes, start: int, end: int) -> None:
        piece = memoryview(data)[start:end]
        if self._file:
            self._file.write(piece)
            self._hash.update(piece)
            self._size_bytes += len(piece)
        elif len(self._text) + len(piece) <= _FIELD_MAX_BYTES:
            self._text += piece

    def _finish(self) -> None:
        if self._file is None:
            self.form.fields[self._name] = self._text.decode("utf-8", "replace")
            return
        self._file.close()
        self._file = None
        self.form.files.append(
            Received(
                field=self._name,
                filename=self._filename or "",
                path=self._path,
                size_bytes=self._size_bytes,
                sha256=self._hash.hexdigest(),
            )
        )

    def _end(self) -> None:
        self.has_ended = True
