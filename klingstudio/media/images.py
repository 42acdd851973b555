"""Reference pictures: what they are, and the copy that gives nothing away."""

from __future__ import annotations

import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import IMAGE_MAX_PIXELS, ImageFacts
from klingstudio.media.whole_file import writing

_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
_KEPT = ("icc_profile", "transparency", "gamma", "dpi", "jfif", "jfif_version", "jfif_unit", "jfif_density")
_PRIVATE = ("exif", "xmp", "XML:com.adobe.xmp", "photoshop", "comment", "Raw profile type exif", "mp")
_HOW_TO_SAVE: dict[str, dict[str, object]] = {
    "jpeg": {"quality": 95, "subsampling": 0, "optimize": True},
    "png": {},
    "webp": {"quality": 95, "method": 4},
}
_ENDINGS = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}


def image(path: Path) -> ImageFacts:
    """Measure a picture: header first, then all of it.

    Raises:
        InputRefused: missing, not JPEG, PNG or WebP, more than `IMAGE_MAX_PIXELS`, or cut off.
    """
    with _opened(path) as (name, picture):
        width, height = picture.size
        if _orientation(picture) in _SIDEWAYS:
            width, height = height, width
        picture.load()
    return ImageFacts(format=name, width_px=width, height_px=height, size_bytes=path.stat().st_size)


def clean_image(path: Path, out: Path, part: Path, formats: Sequence[str]) -> Path:
    """The picture upright, in one of `formats`, and without EXIF, position, XMP, comments or hidden second pictures.

    Returns:
        `path` itself when there is nothing to change, else a new file: `out` with the ending of what it is.

    Raises:
        InputRefused: as `image`.
        DiskProblem: `out` cannot be written.
    """
    with _opened(path) as (name, picture):
        picture.load()
        if name in formats and not _tells_more(picture):
            return path
        upright = ImageOps.exif_transpose(picture)
        upright.info = {key: value for key, value in picture.info.items() if key in _KEPT}
        kept = name
        if name not in formats:
            # Both are accepted everywhere; only one of them can be seen through.
            kept = "png" if upright.has_transparency_data else "jpeg"
            upright = upright.convert("RGBA" if kept == "png" else "RGB")
        out = out.with_suffix(_ENDINGS[kept])
        with writing(part, out):
            upright.save(part, format=kept.upper(), **_HOW_TO_SAVE[kept])
    return out


def sniff_image(head: bytes) -> str | None:
    """The format of a picture that begins with `head` (12 bytes are enough), or None."""
    if head[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return None


def _tells_more(picture: ImageFile) -> bool:
    if picture.format == "MPO" or any(key in picture.info for key in _PRIVATE):
        return True
    return bool(getattr(picture, "text", None)) or bool(picture.getexif())


def _orientation(picture: ImageFile) -> int:
    value = picture.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


@contextmanager
def _opened(path: Path) -> Iterator[tuple[str, ImageFile]]:
    """The picture, opened by its content and not yet decoded."""
    _refuse_no_file(path)
    try:
        with path.open("rb") as file:
            name = sniff_image(file.read(12))
            if name is None:
                raise InputRefused(Kind.IMAGE_WRONG_TYPE, path.name)
            file.seek(0)
            with warnings.catch_warnings():
                # Pillow only warns of a bomb below twice its own limit.
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                picture = Image.open(file, formats=(name,))
            with picture:
                if picture.width * picture.height > IMAGE_MAX_PIXELS:
                    raise InputRefused(Kind.IMAGE_TOO_LARGE, f"{path.name}: {picture.width}×{picture.height} px")
                yield name, picture
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputRefused(Kind.IMAGE_TOO_LARGE, f"{path.name}: more than {IMAGE_MAX_PIXELS:,} pixels") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError) as error:
        # The readers of Pillow pass on whatever a broken file trips over.
        raise InputRefused(Kind.IMAGE_UNREADABLE, path.name) from error


def _refuse_no_file(path: Path) -> None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise InputRefused(Kind.IMAGE_MISSING, path.name) from None
    except OSError as error:
        raise InputRefused(Kind.IMAGE_UNREADABLE, f"{path.name}: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise InputRefused(Kind.IMAGE_UNREADABLE, f"{path.name} is not a file")
