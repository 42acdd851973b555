from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import IMAGE_FORMATS
from klingstudio.media.images import clean_image, image
from klingstudio.media.whole_file import new_part
from tests.torture.media.pictures import chunk, png, scans_jpeg
from tests.unit.media.made_clips import is_upright, picture

PLACE = b"48.8584 N"


def kind_of(path: Path) -> Kind:
    with pytest.raises(InputRefused) as refused:
        image(path)
    return refused.value.problem.kind


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[ExifTags.Base.Orientation] = orientation
    made[ExifTags.Base.Artist] = "somebody"
    made.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = PLACE
    return made


def cleaned(path: Path, formats: tuple[str, ...] = IMAGE_FORMATS) -> Path:
    out = path.with_name(f"clean-{path.name}")
    part = new_part(out)
    try:
        return clean_image(path, out, part, formats)
    finally:
        part.unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_a_picture_is_measured_by_its_content_and_not_by_its_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.gif"
    picture(9, 320, 200).save(path, format=name)

    facts = image(path)

    assert (facts.format, facts.width_px, facts.height_px) == (name, 320, 200)
    assert facts.size_bytes == path.stat().st_size


def test_a_picture_that_lies_on_its_side_has_the_size_it_is_seen_in(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    picture(9, 320, 200).save(path, exif=exif(6))

    assert (image(path).width_px, image(path).height_px) == (200, 320)


@pytest.mark.parametrize("name", ["gif", "bmp", "tiff", "ico", "ppm"])
def test_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    picture(9, 64, 64).save(path, format=name)

    assert kind_of(path) is Kind.IMAGE_WRONG_TYPE


def test_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_text("<svg/>")
    (tmp_path / "empty.png").touch()

    assert kind_of(tmp_path / "picture.png") is Kind.IMAGE_WRONG_TYPE
    assert kind_of(tmp_path / "empty.png") is Kind.IMAGE_WRONG_TYPE


@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("keep", [0.02, 0.5, 0.9])
def test_a_picture_that_is_cut_off_is_refused(name: str, keep: float, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    Image.effect_noise((320, 200), 60).convert("RGB").save(path, format=name)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(16, int(len(whole) * keep))])

    assert kind_of(path) is Kind.IMAGE_UNREADABLE


def test_a_missing_picture_is_refused(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "no.png") is Kind.IMAGE_MISSING
    assert kind_of(tmp_path / "a\0b.png") is Kind.IMAGE_MISSING


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    assert kind_of(tmp_path) is Kind.IMAGE_UNREADABLE
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        assert kind_of(tmp_path / "pipe.png") is Kind.IMAGE_UNREADABLE


@pytest.mark.parametrize("side", [8_001, 10_000, 12_000, 60_000])
def test_a_bomb_is_refused_from_its_header(side: int, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))

    # Decoding it would fail as cut off, so the kind tells that nothing was decoded.
    assert kind_of(path) is Kind.IMAGE_TOO_LARGE


@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cleaned_picture_is_upright_and_says_nothing_of_its_maker(
    name: str, orientation: int, tmp_path: Path
) -> None:
    path = tmp_path / f"picture.{name}"
    stored(picture(9, 320, 200), orientation).save(path, format=name, exif=exif(orientation), quality=95)
    before = path.read_bytes()

    clean = cleaned(path)

    assert PLACE in before
    assert clean != path
    assert path.read_bytes() == before
    assert PLACE not in clean.read_bytes()
    assert b"somebody" not in clean.read_bytes()
    with Image.open(clean) as result:
        assert result.format == name.upper()
        assert result.size == (320, 200)
        assert not result.getexif()
        assert is_upright(result.convert("RGB"))
    assert not list(tmp_path.glob(".klingstudio-*"))


def test_comments_xmp_and_text_are_taken_out(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "somebody")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>somebody</x:xmpmeta>")
    picture(9, 64, 64).save(tmp_path / "a.png", pnginfo=text)
    picture(9, 64, 64).save(tmp_path / "b.jpg", comment=b"somebody")
    picture(9, 64, 64).save(tmp_path / "c.webp", xmp=b"<x:xmpmeta>somebody</x:xmpmeta>")
    picture(9, 64, 64).save(tmp_path / "d.jpg", xmp=b"<x:xmpmeta>somebody</x:xmpmeta>")

    for path in sorted(tmp_path.iterdir()):
        if path.is_file():
            assert b"somebody" in path.read_bytes()
            assert b"somebody" not in cleaned(path).read_bytes()


def test_a_png_keeps_every_pixel_and_its_transparency(tmp_path: Path) -> None:
    made = picture(9, 64, 64).convert("RGBA")
    made.putpixel((3, 3), (1, 2, 3, 0))
    made.save(tmp_path / "a.png", exif=exif())

    with Image.open(cleaned(tmp_path / "a.png")) as result:
        assert result.mode == "RGBA"
        assert result.tobytes() == made.tobytes()


@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_a_picture_with_nothing_to_hide_is_used_as_it_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    picture(9, 320, 200).save(path, format=name)

    assert cleaned(path) == path
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == ["picture"]


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("RGBA", "PNG"), ("P", "JPEG")])
def test_a_format_that_the_provider_does_not_take_is_converted(mode: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.webp"
    made = picture(9, 320, 200).convert(mode)
    if mode == "RGBA":
        made.putpixel((3, 3), (1, 2, 3, 128))
    made.save(path, format="webp", lossless=True, exif=exif(6))

    clean = cleaned(path, ("jpeg", "png"))

    assert clean.suffix == {"JPEG": ".jpg", "PNG": ".png"}[kind]
    assert b"somebody" not in clean.read_bytes()
    with Image.open(clean) as result:
        assert (result.format, result.size) == (kind, (200, 320))
        if mode == "RGBA":
            assert result.getpixel((196, 3)) == (1, 2, 3, 128)


def test_a_plain_webp_is_only_kept_where_it_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "picture.webp"
    picture(9, 320, 200).save(path, format="webp")

    assert cleaned(path, ("jpeg", "webp")) == path
    assert cleaned(path, ("jpeg", "png")) == tmp_path / "clean-picture.jpg"


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    """The picture as a camera stores it that notes this orientation."""
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    return upright.transpose(turn) if turn is not None else upright


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG of this size, and hardly more."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


def test_a_jpeg_that_goes_over_its_pixels_for_ever_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "scans.jpg").write_bytes(scans_jpeg(2_000))
    (tmp_path / "few.jpg").write_bytes(scans_jpeg(3))

    assert kind_of(tmp_path / "scans.jpg") is Kind.IMAGE_UNREADABLE
    assert image(tmp_path / "few.jpg").width_px == 7_000


def test_words_that_swell_in_a_picture_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    words = chunk(b"zTXt", b"name\0\0" + zlib.compress(bytes(900_000)))
    (tmp_path / "words.png").write_bytes(png(16, 16, b"", extra=words * 20))
    (tmp_path / "note.png").write_bytes(png(16, 16, b"", extra=words * 2))

    assert kind_of(tmp_path / "words.png") is Kind.IMAGE_UNREADABLE
    assert image(tmp_path / "note.png").width_px == 16
