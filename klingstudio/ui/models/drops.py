"""What files that are dragged over the window are, told from their names before anything is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeDatabase, QUrl

_VIDEOS = frozenset(
    "3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv qt ts vob webm wmv".split()  # noqa: SIM905
)
_PICTURES = frozenset({"jpg", "jpeg", "png", "webp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Files, sorted into what they are good for."""

    videos: tuple[Path, ...] = ()
    pictures: tuple[Path, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why the rest is of no use, one sentence each."""

    @property
    def reason(self) -> str:
        """Why nothing of it can be used; empty where something can."""
        if self.videos or self.pictures:
            return ""
        return self.reasons[0] if self.reasons else "There is no file in this"


def sort_files(paths: Sequence[Path]) -> Dropped:
    """Sort local files by name, and by content where the name says nothing."""
    videos: list[Path] = []
    pictures: list[Path] = []
    reasons: list[str] = []
    for path in paths:
        suffix = path.suffix.lower().removeprefix(".")
        if suffix in _VIDEOS:
            videos.append(path)
        elif suffix in _PICTURES:
            pictures.append(path)
        elif path.is_dir():
            reasons.append("A folder is not a video or picture")
        else:
            kind = QMimeDatabase().mimeTypeForFile(str(path)).name()
            if kind.startswith("video/"):
                videos.append(path)
            elif kind in {"image/jpeg", "image/png", "image/webp"}:
                pictures.append(path)
            elif kind.startswith("image/"):
                reasons.append(f"{_word(path)} is not a JPEG, PNG or WebP picture")
            else:
                reasons.append(f"{_word(path)} is not a video or picture")
    return Dropped(videos=tuple(videos), pictures=tuple(pictures), reasons=tuple(reasons))


def sort_urls(urls: Sequence[QUrl]) -> Dropped:
    """Sort what is dragged; addresses of the web are of no use here."""
    local = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    sorted_ = sort_files(local)
    if len(local) == len(urls):
        return sorted_
    away = ("This is on the web; save it to this computer first",)
    return Dropped(videos=sorted_.videos, pictures=sorted_.pictures, reasons=(*sorted_.reasons, *away))


def _word(path: Path) -> str:
    suffix = path.suffix.removeprefix(".")
    return suffix.upper() if 0 < len(suffix) <= 5 else "This file"
