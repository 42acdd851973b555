"""Reads an upload of Segmind's kind, `{"data_urls": ["data:video/mp4;base64,…"]}`, straight to disk, whatever its size."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

ENDINGS = {
    b"video/mp4": ".mp4",
    b"video/quicktime": ".mov",
    b"image/png": ".png",
    b"image/jpeg": ".jpg",
    b"image/webp": ".webp",
}
NAME = re.compile(r"[0-9a-f]{32}\.(?:mp4|mov|png|jpg|webp)")
"""What a file is called here: without a way out of the folder."""

_BEGIN = re.compile(rb'\s*\{\s*"data_urls"\s*:\s*\[\s*"data:([a-z]+/[a-z0-9.+-]+);base64,')
_NEXT = re.compile(rb'"\s*,\s*"data:([a-z]+/[a-z0-9.+-]+);base64,')
_END = re.compile(rb'"\s*\]\s*\}\s*\Z')
_MARK_MAX_BYTES = 400
"""Between two files there is never more than this."""


class AssetsWrong(Exception):
    """The body is not what an upload looks like. The text is what the service would say."""


async def receive_assets(chunks: AsyncIterator[bytes], folder: Path) -> list[str]:
    """Write the files of an upload into `folder` and return their names. Where the body is wrong, nothing stays.

    Raises:
        AssetsWrong: it is no such JSON, or what it holds is not base64 of a kind of file that is taken.
    """
    reader = _Reader(folder)
    is_whole = False
    try:
        async for chunk in chunks:
            reader.feed(chunk)
        reader.finish()
        is_whole = True
    finally:
        reader.close(keep=is_whole)
    return reader.names


class _Reader:
    """Fed piece by piece: either between two files, waiting for a mark, or within one, up to its closing quote."""

    def __init__(self, folder: Path) -> None:
        self.names: list[str] = []
        self._folder = folder
        self._rest = b""
        self._file: BinaryIO | None = None

    def feed(self, chunk: bytes) -> None:
        data = self._rest + chunk
        while data:
            if self._file is None:
                mark = (_NEXT if self.names else _BEGIN).match(data)
                if mark is None:
                    if len(data) > _MARK_MAX_BYTES:
                        raise AssetsWrong("data_urls must be a list of base64 data URLs")
                    break
                self._begin(mark[1])
                data = data[mark.end() :]
            else:
                text, quote, rest = data.partition(b'"')
                # Four characters are three bytes; what is over waits for the next piece.
                ready = len(text) if quote else len(text) // 4 * 4
                self._write(self._file, text[:ready])
                data = text[ready:] + quote + rest
                if not quote:
                    break
                self._file.close()
                self._file = None
        self._rest = data

    def finish(self) -> None:
        """The body is over."""
        if self._file is not None or not _END.match(self._rest):
            raise AssetsWrong("Invalid JSON")

    def close(self, *, keep: bool) -> None:
        """Close what is open, and remove everything unless it is to be kept."""
        if self._file is not None:
            self._file.close()
        if not keep:
            for name in self.names:
                (self._folder / name).unlink(missing_ok=True)

    def _begin(self, media_type: bytes) -> None:
        if media_type not in ENDINGS:
            raise AssetsWrong(f"Unsupported media type: {media_type.decode()}")
        self.names.append(uuid.uuid4().hex + ENDINGS[media_type])
        self._file = (self._folder / self.names[-1]).open("wb")

    @staticmethod
    def _write(file: BinaryIO, text: bytes) -> None:
        try:
            file.write(base64.b64decode(text, validate=True))
        except binascii.Error:
            raise AssetsWrong("Invalid base64 data") from None
