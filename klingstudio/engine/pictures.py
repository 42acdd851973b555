"""Pictures that the program makes for a draft: edited ones, and those that came without a file."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import PictureEdit
from klingstudio.engine.finish import clean_name
from klingstudio.media.image_file import ENDINGS, refuse_no_file, sniff_image
from klingstudio.media.whole_file import PART_PREFIX, disk_problem, new_part, writing


class Editor(Protocol):
    """Who does the work: the media worker."""

    async def edit_image(self, path: Path, edit: PictureEdit, out: Path) -> Path:
        """Make the edited picture at `out`, with the ending of what it is."""
        ...


class Pictures:
    """Each lies in a folder named after what it was made of, so that the same wish is carried out once."""

    def __init__(self, folder: Path, media: Editor) -> None:
        self._folder = folder
        self._media = media

    async def make(self, origin: Path, edit: PictureEdit) -> Path:
        """The picture that this edit makes of `origin`, which stays as it is.

        Raises:
            InputRefused: it cannot be used, or not be made small enough.
            DiskProblem: the folder cannot be written to.
        """
        folder = self._folder / await asyncio.to_thread(_key, origin, edit)
        if made := await asyncio.to_thread(_picture_in, folder):
            return made
        return await self._media.edit_image(origin, edit, folder / f"{_stem(origin.name)}.png")

    async def keep(self, data: bytes, name: str) -> Path:
        """A picture that came as bytes, as a file. `name`: what to call it; its ending is that of what it is.

        Raises:
            InputRefused: the bytes are no JPEG, PNG or WebP picture.
            DiskProblem: the folder cannot be written to.
        """
        kind = sniff_image(data[:12])
        if kind is None:
            raise InputRefused(Kind.IMAGE_WRONG_TYPE, name)
        return await asyncio.to_thread(_keep, self._folder, data, f"{_stem(name)}{ENDINGS[kind]}")


def _key(origin: Path, edit: PictureEdit) -> str:
    """Makes the folder's name from the content: a file that was changed meanwhile is another picture."""
    refuse_no_file(origin)
    try:
        with origin.open("rb") as file:
            content = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise InputRefused(Kind.IMAGE_UNREADABLE, f"{origin.name}: {error.strerror}") from error
    content.update(json.dumps(asdict(edit), sort_keys=True).encode("ascii"))
    return content.hexdigest()[:16]


def _picture_in(folder: Path) -> Path | None:
    """What was made here before. Makes the folder where nothing was."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return next((path for path in folder.iterdir() if not path.name.startswith(PART_PREFIX)), None)
    except OSError as error:
        raise disk_problem(error, folder) from error


def _keep(pictures: Path, data: bytes, name: str) -> Path:
    folder = pictures / hashlib.sha256(data).hexdigest()[:16]
    if kept := _picture_in(folder):
        return kept
    out = folder / name
    part = new_part(out)
    with writing(part, out):
        part.write_bytes(data)
    return out


def _stem(name: str) -> str:
    # It may come from a page of the web.
    return clean_name(Path(name).stem) or "picture"
