"""Reference pictures: what they are, and the copy that gives nothing away."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageOps, PngImagePlugin
from PIL.ImageFile import ImageFile

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import IMAGE_MAX_PIXELS, ImageFacts, PictureEdit
from klingstudio.domain.picture_edit import crop_box, edited_size, scaled_size
from klingstudio.media.image_file import ENDINGS, SCANS_MAX, has_too_many_scans, refuse_no_file, sniff_image
from klingstudio.media.whole_file import writing

# All the words in a file together, unpacked: programs that note how they made a picture need one or two.
PngImagePlugin.MAX_TEXT_MEMORY = 8 * 1024 * 1024

_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
_KEPT = ("icc_profile", "transparency", "gamma", "dpi", "jfif", "jfif_version", "jfif_unit", "jfif_density")
_PRIVATE = ("exif", "xmp", "XML:com.adobe.xmp", "photoshop", "comment", "Raw profile type exif", "mp")
_HOW_TO_SAVE: dict[str, dict[str, object]] = {
    "jpeg": {"quality": 95, "subsampling": 0, "optimize": True},
    "png": {},
    "webp": {"quality": 95, "method": 4},
}
_WITHOUT_LOSS = ("png",)
_QUALITIES = (95, 90, 85, 80)
"""Tried in this order before a picture is made smaller: fewer pixels cost more likeness than these."""
_BAR = (128, 128, 128)
"""Of the bars beside an opaque picture. A middle grey adds neither light nor shadow nor a colour to what the model sees;
black reads as a night, white as a studio."""


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
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size_bytes = path.stat().st_size
    return ImageFacts(format=name, width_px=width, height_px=height, size_bytes=size_bytes, sha256=sha256)


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
        out = out.with_suffix(ENDINGS[kept])
        with writing(part, out):
            upright.save(part, format=kept.upper(), **_HOW_TO_SAVE[kept])
    return out


def edit_image(path: Path, edit: PictureEdit, out: Path, part: Path) -> Path:
    """A picture turned, cropped, padded and scaled, upright and without anything that `clean_image` takes out.

    An opaque photo becomes a JPEG; what was stored without loss stays so while it is small enough; what can be seen
    through is a PNG, and so are its bars.

    Returns:
        `out` with the ending of what it is.

    Raises:
        InputRefused: as `image`, or it cannot be made small enough.
        DiskProblem: `out` cannot be written.
    """
    with _opened(path) as (name, picture):
        picture.load()
        full = _edited(picture, edit)
        # As dense as the file it comes of: encoding many megapixels without loss only to throw it away takes long.
        would_be = path.stat().st_size * full.width * full.height / (picture.width * picture.height)
    made, seen_through = full, full.mode == "RGBA"
    data, kind = b"", "jpeg"
    if seen_through or (name in _WITHOUT_LOSS and not 0 < 2 * edit.max_bytes < would_be):
        data, kind = _encoded(made, "png"), "png"
    if not data or (_is_over(data, edit) and not seen_through):
        data, kind = _as_jpeg(made, edit), "jpeg"
    while _is_over(data, edit):
        made = full.resize(_smaller(made, len(data), edit, path.name), Image.Resampling.LANCZOS)
        made.info = full.info
        data = _encoded(made, "png") if seen_through else _as_jpeg(made, edit)
    # Not `with_suffix`: a name may have a dot of its own.
    out = out.with_name(out.stem + ENDINGS[kind])
    with writing(part, out):
        part.write_bytes(data)
    return out


def _edited(picture: ImageFile, edit: PictureEdit) -> Image.Image:
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith(("I", "F")):
        # Sixteen bits a channel: Pillow would cut off what is brighter than 255 instead of scaling it.
        upright = upright.convert("I").point(lambda value: value / 257).convert("L")
    if upright.mode not in {"RGB", "RGBA", "P"}:
        # A profile of inks or greys says nothing of the colours that are stored from here on.
        profile = None
    upright = _in_colours(upright)
    size, box = edited_size(*upright.size, edit), crop_box(*upright.size, edit)
    if (turn := _TURNS.get(edit.turn_deg % 360)) is not None:
        upright = upright.transpose(turn)
    upright = _laid_into(upright.crop(box), size)
    upright.info = {"icc_profile": profile} if profile else {}
    return upright


_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
"""Pillow counts the other way round."""


def _in_colours(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    # Many programs store a fourth channel in which nothing can be seen through.
    return picture if picture.getchannel("A").getextrema() != (255, 255) else picture.convert("RGB")


def _laid_into(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scaled into the middle of a ground of this size, before the bars are added: they would only need memory."""
    factor = min(Fraction(size[0], picture.width), Fraction(size[1], picture.height))
    inside = round(picture.width * factor), round(picture.height * factor)
    if max(size[0] - inside[0], size[1] - inside[1]) <= 1:
        # Nothing but the rounding of two sides.
        return picture.resize(size, Image.Resampling.LANCZOS) if picture.size != size else picture
    ground = Image.new(picture.mode, size, (0, 0, 0, 0) if picture.mode == "RGBA" else _BAR)
    if inside != picture.size:
        picture = picture.resize(inside, Image.Resampling.LANCZOS)
    ground.paste(picture, ((size[0] - inside[0]) // 2, (size[1] - inside[1]) // 2))
    return ground


def _is_over(data: bytes, edit: PictureEdit) -> bool:
    return 0 < edit.max_bytes < len(data)


def _as_jpeg(picture: Image.Image, edit: PictureEdit) -> bytes:
    data = b""
    for quality in _QUALITIES:
        data = _encoded(picture, "jpeg", quality=quality)
        if not _is_over(data, edit):
            break
    return data


def _encoded(picture: Image.Image, name: str, **more: object) -> bytes:
    buffer = io.BytesIO()
    options = {**_HOW_TO_SAVE[name], **more}
    picture.save(buffer, format=name.upper(), icc_profile=picture.info.get("icc_profile"), **options)
    return buffer.getvalue()


def _smaller(picture: Image.Image, size_bytes: int, edit: PictureEdit, name: str) -> tuple[int, int]:
    """The size to try next; a little below what the bytes ask for, as they do not shrink as fast as the pixels."""
    factor = Fraction(min(0.95 * (edit.max_bytes / size_bytes) ** 0.5, 0.9)).limit_denominator(1000)
    size = scaled_size(*picture.size, factor)
    if min(size) < max(edit.least_px, 2):
        raise InputRefused(Kind.IMAGE_TOO_HEAVY, name)
    return size


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
    refuse_no_file(path)
    try:
        with path.open("rb") as file:
            name = sniff_image(file.read(12))
            if name is None:
                raise InputRefused(Kind.IMAGE_WRONG_TYPE, path.name)
            if name == "jpeg" and has_too_many_scans(file):
                raise InputRefused(Kind.IMAGE_UNREADABLE, f"{path.name}: more than {SCANS_MAX} scans")
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
