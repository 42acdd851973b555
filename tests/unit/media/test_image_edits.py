from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.media import PictureEdit
from klingstudio.domain.picture_edit import edited_size
from klingstudio.media.images import edit_image, image
from klingstudio.media.whole_file import new_part
from tests.unit.media.made_clips import is_upright, picture
from tests.unit.media.test_images import PLACE, exif, png_header, stored

RED, GREEN, BLUE, WHITE = (220, 0, 0), (0, 180, 0), (0, 0, 220), (255, 255, 255)


def edited(path: Path, **edit: Any) -> Path:
    out = path.with_name(f"edited-{path.name}")
    part = new_part(out)
    try:
        return edit_image(path, PictureEdit(**edit), out, part)
    finally:
        part.unlink(missing_ok=True)


def quarters(width: int = 400, height: int = 200) -> Image.Image:
    """Red, green / blue, white."""
    made = Image.new("RGB", (width, height), WHITE)
    made.paste(RED, (0, 0, width // 2, height // 2))
    made.paste(GREEN, (width // 2, 0, width, height // 2))
    made.paste(BLUE, (0, height // 2, width // 2, height))
    return made


def corners(path: Path) -> list[tuple[int, ...]]:
    """The colours of the four corners of a picture: above from left to right, then below."""
    with Image.open(path) as found:
        shown, (right, below) = found.convert("RGB"), (found.width - 5, found.height - 5)
        return [as_colour(shown.getpixel(at)) for at in ((4, 4), (right, 4), (4, below), (right, below))]


def as_colour(pixel: float | tuple[int, ...] | None) -> tuple[int, ...]:
    assert isinstance(pixel, tuple)
    # A JPEG misses a colour by a little.
    return min(
        (RED, GREEN, BLUE, WHITE, (128, 128, 128)),
        key=lambda one: sum(abs(a - b) for a, b in zip(one, pixel, strict=False)),
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_crop_is_cut_out_of_the_picture_as_it_is_seen(orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    stored(quarters(), orientation).save(path, exif=exif(orientation), quality=95)

    made = edited(path, left=0.5, bottom=0.5)

    assert corners(made) == [GREEN] * 4
    assert (image(made).width_px, image(made).height_px) == (200, 100)
    assert PLACE in path.read_bytes()
    assert PLACE not in made.read_bytes()
    assert b"somebody" not in made.read_bytes()


@pytest.mark.parametrize(
    ("turn", "wanted"),
    [(90, [BLUE, RED, WHITE, GREEN]), (180, [WHITE, BLUE, GREEN, RED]), (270, [GREEN, WHITE, RED, BLUE])],
)
def test_a_picture_is_turned_clockwise_after_the_turn_that_its_file_asks_for(
    turn: int, wanted: list[tuple[int, ...]], tmp_path: Path
) -> None:
    path = tmp_path / "photo.jpg"
    stored(quarters(), 6).save(path, exif=exif(6), quality=95)

    assert corners(edited(path, turn_deg=turn)) == wanted


def test_bars_are_grey_beside_an_opaque_picture_and_clear_beside_one_that_can_be_seen_through(tmp_path: Path) -> None:
    quarters(400, 100).save(tmp_path / "photo.jpg", quality=95)
    clear = quarters(400, 100).convert("RGBA")
    clear.putalpha(200)
    clear.save(tmp_path / "clear.png")

    opaque = edited(tmp_path / "photo.jpg", pad_ratio=2.0)
    seen_through = edited(tmp_path / "clear.png", pad_ratio=2.0)

    assert corners(opaque) == [(128, 128, 128)] * 4
    with Image.open(opaque) as found:
        assert (found.format, found.size) == ("JPEG", (400, 200))
        assert as_colour(found.getpixel((10, 60))) == RED
    with Image.open(seen_through) as found:
        assert (found.format, found.mode, found.size) == ("PNG", "RGBA", (400, 200))
        assert found.getpixel((4, 4)) == (0, 0, 0, 0)
        assert found.getpixel((10, 60)) == (*RED, 200)


@pytest.mark.parametrize(
    "edit",
    [
        PictureEdit(least_px=300),
        PictureEdit(turn_deg=90, left=0.13, right=0.77, pad_ratio=2.5, least_px=301),
        PictureEdit(top=0.4, bottom=0.5, pad_ratio=2.5),
        PictureEdit(turn_deg=270, bottom=0.01, pad_ratio=2.5, least_px=300),
    ],
)
def test_the_result_has_the_size_that_was_told_before(edit: PictureEdit, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    quarters(211, 160).save(path)
    out = tmp_path / "made.png"

    made = edit_image(path, edit, out, new_part(out))

    assert (image(made).width_px, image(made).height_px) == edited_size(211, 160, edit)


def test_a_picture_stored_without_loss_stays_so_while_it_is_small_enough(tmp_path: Path) -> None:
    noise = Image.effect_noise((300, 300), 90).convert("RGB")
    noise.save(tmp_path / "noise.png")
    # A fourth channel in which nothing can be seen through.
    noise.convert("RGBA").save(tmp_path / "opaque.png")

    kept = edited(tmp_path / "noise.png", right=0.5)
    shrunk = edited(tmp_path / "opaque.png", max_bytes=60_000)

    assert kept.suffix == ".png"
    with Image.open(kept) as found:
        assert found.tobytes() == noise.crop((0, 0, 150, 300)).tobytes()
    assert shrunk.suffix == ".jpg"
    assert shrunk.stat().st_size <= 60_000
    assert image(shrunk).width_px == 300


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_gets_fewer_pixels_only_when_nothing_else_helps(mode: str, tmp_path: Path) -> None:
    noise = Image.effect_noise((500, 400), 90).convert(mode)
    if mode == "RGBA":
        noise.putalpha(99)
    noise.save(tmp_path / "noise.webp", lossless=True)

    made = edited(tmp_path / "noise.webp", max_bytes=30_000)

    facts = image(made)
    assert facts.size_bytes <= 30_000
    assert facts.format == ("jpeg" if mode == "RGB" else "png")
    assert facts.width_px < 500
    assert facts.width_px / facts.height_px == pytest.approx(1.25, abs=0.02)


def test_a_picture_that_cannot_be_both_large_and_small_is_refused(tmp_path: Path) -> None:
    Image.effect_noise((400, 400), 90).convert("RGB").save(tmp_path / "noise.png")

    with pytest.raises(InputRefused) as refused:
        edited(tmp_path / "noise.png", least_px=300, max_bytes=2_000)

    assert refused.value.problem.kind is Kind.IMAGE_TOO_HEAVY
    assert [path.name for path in tmp_path.iterdir()] == ["noise.png"]


def test_sixteen_bits_and_inks_keep_their_brightness(tmp_path: Path) -> None:
    Image.new("I;16", (64, 64), 32_896).save(tmp_path / "deep.png")
    Image.new("CMYK", (64, 64), (0, 0, 0, 128)).save(tmp_path / "inks.jpg", quality=95)

    for name in ("deep.png", "inks.jpg"):
        with Image.open(edited(tmp_path / name, right=0.5)) as found:
            assert found.mode == "RGB"
            pixel = found.getpixel((9, 9))
            assert isinstance(pixel, tuple)
            assert all(abs(part - 128) <= 3 for part in pixel)


def test_nothing_changes_but_what_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "photo.v2.jpg"
    picture(9, 320, 200).save(path, quality=95)
    before = path.read_bytes()

    made = edited(path)

    assert made.name == "edited-photo.v2.jpg"
    assert path.read_bytes() == before
    with Image.open(made) as found:
        assert found.size == (320, 200)
        assert is_upright(found.convert("RGB"))


def test_a_bomb_and_a_torn_file_are_refused_without_leaving_anything(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(12_000, 12_000))
    quarters().save(tmp_path / "torn.jpg")
    torn = (tmp_path / "torn.jpg").read_bytes()
    (tmp_path / "torn.jpg").write_bytes(torn[: len(torn) // 2])

    kinds = []
    for name in ("bomb.png", "torn.jpg", "none.jpg"):
        with pytest.raises(InputRefused) as refused:
            edited(tmp_path / name, right=0.5)
        kinds.append(refused.value.problem.kind)

    assert kinds == [Kind.IMAGE_TOO_LARGE, Kind.IMAGE_UNREADABLE, Kind.IMAGE_MISSING]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bomb.png", "torn.jpg"]
