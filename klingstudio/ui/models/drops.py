"""What is dragged over the window or pasted into it, told from names and kinds of data before anything is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from PySide6.QtCore import QMimeData, QMimeDatabase, QUrl

INTERNAL = "application/x-klingstudio-reference"
"""What the tiles of the window are dragged as, which is no matter of the window as a whole."""
ELEMENT_ENDING = ".klingelement"
EITHER = "a video or picture"
"""What the whole window takes, as the sentences call it."""
ONE_BY_ONE_MAX = 100
"""Of more files than this only the names are read, so that a drag over the window never waits for a disk."""
FOLDER_MAX = 100
"""So many files of a folder are taken."""
_GLANCE_MAX = 1000
"""So many names of a folder are read while it is dragged."""
_NAMES_MAX = 100_000
_HTML_MAX = 20_000
_SHOWN_MAX = 48
_VIDEOS = frozenset(
    "3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv qt ts vob webm wmv".split()  # noqa: SIM905
)
_PICTURES = frozenset({"jpg", "jpeg", "png", "webp"})
_INLINE = "data:image/"
_WEB = ("https:", "http:")
_SCHEMES = (*_WEB, _INLINE)
_IMG = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*(?:"([^"]+)"|'([^']+)'|([^\s>]+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What comes in, sorted into what it is good for."""

    videos: tuple[Path, ...] = ()
    pictures: tuple[Path, ...] = ()
    elements: tuple[Path, ...] = ()
    """Files that an element of the library was exported to."""
    bitmap: str = ""
    """The name of a picture that comes without a file; empty for none."""
    pixels: object = field(default=None, compare=False, repr=False)
    """The picture itself, once it was let go: a QImage, or bytes of a file."""
    address: str = ""
    """Where a picture or clip could be fetched from, once the person has agreed."""
    reasons: tuple[str, ...] = ()
    """Why the rest is of no use, one sentence each."""

    @property
    def is_useful(self) -> bool:
        return bool(self.videos or self.picture_count or self.elements or self.address)

    @property
    def picture_count(self) -> int:
        """With the one that has no file."""
        return len(self.pictures) + bool(self.bitmap)

    @property
    def reason(self) -> str:
        """Why nothing of it can be used; empty where something can."""
        if self.is_useful:
            return ""
        return self.reasons[0] if self.reasons else "There is no file in this"

    def refusal(self, wanted: str) -> str:
        """The reason, said of the one thing that has a place there: `an image`."""
        return self.reason.replace(EITHER, wanted)


@dataclass(frozen=True, slots=True)
class Address:
    """An address of the web, as a person can judge it."""

    url: str

    @property
    def host(self) -> str:
        """As it is asked for: a name that only looks like another one is seen to be different. Its end tells whose it is."""
        host = QUrl(self.url).host(QUrl.ComponentFormattingOption.FullyEncoded)
        return host if len(host) <= _SHOWN_MAX else f"…{host[-_SHOWN_MAX:]}"

    @property
    def name(self) -> str:
        """The name of the file; empty where the address has none."""
        return shown(unquote(urlsplit(self.url).path).rpartition("/")[2])

    @property
    def is_video(self) -> bool:
        """As far as its name tells."""
        return _ending(self.name) in _VIDEOS

    @property
    def is_picture(self) -> bool:
        return _ending(self.name) in _PICTURES


def shown(name: str) -> str:
    """A file's name on one line, without what cannot be shown, shortened in the middle."""
    seen = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return seen if len(seen) <= _SHOWN_MAX else f"{seen[: _SHOWN_MAX // 2]}…{seen[-_SHOWN_MAX // 3 :]}"


def sort_files(paths: Sequence[Path], *, is_glance: bool = False) -> Dropped:
    """Sort local files by name, and by content where the name says nothing. A folder counts as the files in it.

    Args:
        is_glance: they are only carried past: look at the beginning of a large folder.
    """
    videos: list[Path] = []
    pictures: list[Path] = []
    elements: list[Path] = []
    reasons: list[str] = []
    # What lies in a folder is taken by its name; there it stands among things of all kinds.
    can_look = len(paths) <= ONE_BY_ONE_MAX
    for path in paths:
        if can_look and path.is_dir():
            inside, reason = _inside(path, _GLANCE_MAX if is_glance else _NAMES_MAX)
            videos += [one for one in inside if _ending(one.name) in _VIDEOS]
            pictures += [one for one in inside if _ending(one.name) in _PICTURES]
            reasons += [reason] if reason else []
            continue
        match _kind(path, can_look=can_look):
            case "video":
                videos.append(path)
            case "picture":
                pictures.append(path)
            case "element":
                elements.append(path)
            case reason:
                reasons.append(reason)
    return Dropped(videos=tuple(videos), pictures=tuple(pictures), elements=tuple(elements), reasons=tuple(reasons))


def sort_data(data: QMimeData, *, is_glance: bool = False) -> Dropped:
    """Sort what is dragged or on the clipboard: files before a picture, a picture before the address it came from."""
    urls = data.urls() if data.hasUrls() else []
    if local := [local_path(url) for url in urls if url.isLocalFile()]:
        found = sort_files(local, is_glance=is_glance)
        away = ("Files and addresses of the web are not taken together",) * (len(urls) - len(local))
        return Dropped(
            videos=found.videos, pictures=found.pictures, elements=found.elements, reasons=(*found.reasons, *away)
        )
    places = _places(data, urls)
    inline = next((place for place in places if place.startswith(_INLINE)), "")
    addresses = [place for place in places if place.startswith(_WEB)]
    if data.hasImage():
        # Only when it was let go: the whole picture would come from the other program.
        return Dropped(bitmap=_picture_name(addresses), pixels=None if is_glance else data.imageData())
    if inline:
        return Dropped(bitmap=_picture_name([]), pixels=None if is_glance else _decoded(inline))
    refused = ""
    for place in addresses:
        refused = refused or _why_not(place)
        if not _why_not(place):
            return Dropped(address=place, reasons=("One address at a time",) * (len(urls) - 1))
    return Dropped(reasons=(refused,) if refused else ())


def carries(data: QMimeData) -> bool:
    """True for what the window has something to say about, be it why it cannot be used."""
    if data.hasFormat(INTERNAL):
        return False
    if data.hasUrls() or data.hasImage():
        return True
    return any(place.startswith(_SCHEMES) for place in _places(data, []))


def local_path(url: QUrl) -> Path:
    """The file that an address of this computer means, also where its name is no UTF-8."""
    encoded = url.path(QUrl.ComponentFormattingOption.FullyEncoded)
    if os.name == "nt" or url.host() or not encoded:
        return Path(url.toLocalFile())
    return Path(os.fsdecode(unquote_to_bytes(encoded)))


def natural(name: str) -> list[tuple[int, str]]:
    """The order people expect: `shot 2` before `shot 10`."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _kind(path: Path, *, can_look: bool) -> str:
    """`video`, `picture`, `element`, or else why the file is of no use."""
    ending = _ending(path.name)
    if ending in _VIDEOS:
        return "video"
    if ending in _PICTURES:
        return "picture"
    if path.suffix.lower() == ELEMENT_ENDING:
        return "element"
    if can_look:
        found = QMimeDatabase().mimeTypeForFile(str(path)).name()
        if found.startswith("video/"):
            return "video"
        if found in {"image/jpeg", "image/png", "image/webp"}:
            return "picture"
        if found.startswith("image/"):
            return f"{_word(path)} is not a JPEG, PNG or WebP picture"
    return f"{_word(path)} is not {EITHER}"


def _inside(folder: Path, names_max: int) -> tuple[list[Path], str]:
    """The files of a folder that can be used, in the order of their names, and why none or not all of them are."""
    try:
        with os.scandir(folder) as entries:
            usable = [
                entry.name
                for entry in islice(entries, names_max)
                if not entry.name.startswith(".") and _ending(entry.name) in _VIDEOS | _PICTURES
            ]
    except OSError as error:
        return [], f"The folder {shown(folder.name)} cannot be read: {error.strerror}"
    usable.sort(key=natural)
    if not usable:
        return [], "A folder without videos or pictures"
    more = len(usable) - FOLDER_MAX
    return [folder / name for name in usable[:FOLDER_MAX]], f"{more} more files of the folder" if more > 0 else ""


def _places(data: QMimeData, urls: Iterable[QUrl]) -> list[str]:
    """Every address in the data. That of a picture on a page comes before that of the page it leads to."""
    from html import unescape

    places = []
    if data.hasHtml() and (found := _IMG.search(data.html()[:_HTML_MAX])):
        places.append(unescape(found[1] or found[2] or found[3]))
    places += [bytes(url.toEncoded().data()).decode("ascii", "replace") for url in urls]
    if data.hasText() and (text := data.text().strip()).startswith(_SCHEMES) and len(text.split()) == 1:
        places.append(text)
    return places


def _why_not(place: str) -> str:
    """Why nothing is fetched from there; empty where it can be."""
    url = QUrl(place)
    if not url.isValid() or not url.host():
        return "This is not an address"
    if url.userInfo():
        return "An address with a password in it is not fetched"
    if url.scheme() != "https" and url.host() not in {"127.0.0.1", "localhost", "::1"}:
        return "Only https addresses are fetched"
    return ""


def _picture_name(addresses: Sequence[str]) -> str:
    return next((name for place in addresses if (name := Address(place).name)), "Pasted picture")


def _decoded(inline: str) -> bytes | None:
    import base64
    import binascii

    head, _, body = inline.partition(",")
    try:
        return base64.b64decode(unquote(body)) if head.endswith(";base64") else unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        return None


def _ending(name: str) -> str:
    return Path(name).suffix.lower().removeprefix(".")


def _word(path: Path) -> str:
    suffix = path.suffix.removeprefix(".")
    return suffix.upper() if 0 < len(suffix) <= 5 and suffix.isprintable() else "This file"
