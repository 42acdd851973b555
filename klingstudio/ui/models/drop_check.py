"""A second look at files that were let go, before anything is added: at what they are, whatever their names say."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from klingstudio.ui.models.drops import Dropped, shown

VIDEOS_MAX = 20
"""So many videos are taken at once: each opens a draft of its own."""


def checked(files: Dropped, *, videos_max: int, pictures_max: int, full: str) -> Dropped:
    """Those that are what they are called and for which there is room, and why the others are not among them.

    Args:
        full: what to say of pictures beyond `pictures_max`.
    """
    reasons = list(files.reasons)
    enough = f"At most {videos_max} videos at a time" if videos_max > 1 else "One video at a time"
    videos = _good(files.videos, videos_max, enough, reasons, is_video=True)
    pictures = _good(files.pictures, pictures_max, full, reasons, is_video=False)
    return replace(files, videos=videos, pictures=pictures, reasons=tuple(reasons))


def _good(paths: Iterable[Path], most: int, full: str, reasons: list[str], *, is_video: bool) -> tuple[Path, ...]:
    good: list[Path] = []
    for path in paths:
        if len(good) >= most:
            reasons.append(full)
        elif reason := why_not(path, is_video=is_video):
            reasons.append(reason)
        else:
            good.append(path)
    return tuple(good)


def why_not(path: Path, *, is_video: bool) -> str:
    """Why this file cannot be used as what it is called, in one sentence; empty where its beginning is right."""
    name = shown(path.name)
    if not _can_be_kept(path):
        return f"The name of {name} has characters that cannot be read: rename it first"
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            return f"{name} is a folder"
        # Never opened: reading a pipe would wait for whoever writes into it.
        if not stat.S_ISREG(found.st_mode):
            return f"{name} is not a file"
        if found.st_size == 0:
            return f"{name} is empty"
        return _of_content(path, name, is_video=is_video)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return f"{name} cannot be found"
    except PermissionError:
        return f"{name} may not be read"
    except OSError as error:
        return f"{name} cannot be read: {error.strerror}"


def _of_content(path: Path, name: str, *, is_video: bool) -> str:
    from klingstudio.domain.media import IMAGE_MAX_PIXELS
    from klingstudio.media.heads import HEAD_BYTES, Content, content_of, picture_size

    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    wanted = "video" if is_video else "picture"
    match content_of(head):
        case Content.PAGE:
            return f"{name} is a page of the web, not a {wanted}"
        case Content.DOCUMENT:
            return f"{name} is not a {wanted}"
        case Content.PICTURE | Content.OTHER_PICTURE if is_video:
            return f"{name} is a picture, not a video"
        case Content.VIDEO if not is_video:
            return f"{name} is a video, not a picture"
        case Content.OTHER_PICTURE | Content.UNKNOWN if not is_video:
            return f"{name} is not a JPEG, PNG or WebP picture"
        case Content.PICTURE:
            width, height = picture_size(head) or (0, 0)
            if width * height > IMAGE_MAX_PIXELS:
                return f"{name} has too many pixels: {width}×{height}"
        case _:
            pass
    return ""


def _can_be_kept(path: Path) -> bool:
    """False for a name that is no text: neither the screen nor the list of drafts could hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def left_out(reasons: tuple[str, ...], *, is_rest: bool) -> str:
    """One sentence for everything that was not taken. `is_rest`: something else was."""
    if not reasons:
        return ""
    first, count = reasons[0], len(reasons)
    if count == 1:
        return f"Left out: {first}" if is_rest else first
    why = first if len(set(reasons)) == 1 else f"{first}, among others"
    return f"Left out {count} files: {why}" if is_rest else f"None of {count} files can be used: {why}"
