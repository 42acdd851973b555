from __future__ import annotations

import asyncio
import io
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from klingstudio.domain import element
from klingstudio.domain.draft import Draft, DraftImage, Made
from klingstudio.domain.errors import DiskProblem, InputRefused, Kind
from klingstudio.domain.media import PictureEdit
from klingstudio.engine.pictures import Pictures
from klingstudio.media.worker import MediaWorker
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio

HALF = PictureEdit(right=0.5)


class CountingWorker(MediaWorker):
    """The real one; knows how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.edits = 0

    async def edit_image(self, path: Path, edit: PictureEdit, out: Path) -> Path:
        self.edits += 1
        return await super().edit_image(path, edit, out)


def a_picture(path: Path, shade: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (shade, 40, 200)).save(path)
    return path


def as_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(buffer, "PNG")
    return buffer.getvalue()


async def test_the_same_edit_of_the_same_content_is_made_once(tmp_path: Path) -> None:
    origin, media = a_picture(tmp_path / "a" / "winter.jpg"), CountingWorker()
    pictures = Pictures(tmp_path / "made", media)

    first = await pictures.make(origin, HALF)
    again = await Pictures(tmp_path / "made", media).make(a_picture(tmp_path / "b" / "winter.jpg"), HALF)
    other = await pictures.make(origin, PictureEdit(bottom=0.5))

    assert media.edits == 2
    assert first == again
    assert other != first
    assert first.name == "winter.jpg"
    with Image.open(first) as made:
        assert made.size == (32, 48)
    with Image.open(origin) as untouched:
        assert untouched.size == (64, 48)


async def test_a_file_that_was_changed_meanwhile_is_another_picture(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path / "made", MediaWorker())
    origin = a_picture(tmp_path / "winter.png")
    first = await pictures.make(origin, HALF)

    a_picture(origin, shade=10)

    assert await pictures.make(origin, HALF) != first


async def test_a_picture_that_cannot_be_made_leaves_nothing_that_looks_like_one(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path / "made", MediaWorker())
    origin = tmp_path / "winter.jpg"
    origin.write_bytes(b"\xff\xd8\xff torn")

    for _ in range(2):
        with pytest.raises(InputRefused) as refused:
            await pictures.make(origin, HALF)
        assert refused.value.problem.kind is Kind.IMAGE_UNREADABLE
    with pytest.raises(InputRefused) as missing:
        await pictures.make(tmp_path / "gone.jpg", HALF)

    assert missing.value.problem.kind is Kind.IMAGE_MISSING
    assert not [path for path in (tmp_path / "made").rglob("*") if path.is_file()]


async def test_a_pasted_picture_is_kept_once_under_a_name_that_every_system_can_store(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path / "made", MediaWorker())

    first = await pictures.keep(as_png(), 'ein "Bild"/../von: heute?.jpeg')
    again = await pictures.keep(as_png(), "another")
    with pytest.raises(InputRefused) as refused:
        await pictures.keep(b"<svg/>", "drawing.png")

    assert first == again
    assert first.parent.parent == tmp_path / "made"
    assert first.suffix == ".png"
    assert not set(first.name) & set('"/:?')
    assert first.read_bytes() == as_png()
    assert refused.value.problem.kind is Kind.IMAGE_WRONG_TYPE


async def test_no_upload_tells_where_and_with_what_a_picture_was_taken(
    home: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Model] = "SecretCamera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = b"48.8584 N"
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (640, 400), (90, 40, 200)).save(photo, exif=exif, comment=b"SecretNote")
    async with a_studio(home, sandbox) as studio:
        made = await studio.pictures.make(photo, PictureEdit(bottom=0.75))
        watch = Watch(studio)
        images = tuple(element.Image(place=str(place)) for place in (photo, made))
        (job,) = studio.queue.enqueue(a_request(a_clip(tmp_path / "clip.mp4"), images=images))
        job = await watch.until(job.id, lambda job: bool(job.assets) or not job.is_active)
        sent = [await asyncio.to_thread(_fetched, asset.url) for asset in job.assets if asset.subject != "source"]

    assert b"SecretCamera" in photo.read_bytes()
    assert [_size(data) for data in sent] == [(400, 640), (400, 480)]
    for data in sent:
        assert not any(secret in data for secret in (b"SecretCamera", b"SecretNote", b"48.8584", b"Exif"))


async def test_made_pictures_stay_while_a_draft_or_a_job_speaks_of_them(
    home: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    origin = a_picture(tmp_path / "winter.jpg")
    async with a_studio(home, sandbox) as studio:
        pasted = await studio.pictures.keep(as_png(), "pasted")
        edited = await studio.pictures.make(pasted, HALF)
        forgotten = await studio.pictures.make(origin, HALF)
        image = DraftImage(id="a", place=str(edited), made=Made(origin=str(pasted), edit=HALF))
        draft = Draft(id="draft", images=(image,))
        studio.drafts.save(draft, position=0, is_open=False, at=datetime(2026, 9, 1, tzinfo=UTC))
    left = [path.exists() for path in (pasted, edited, forgotten.parent, origin)]

    async with a_studio(home, sandbox) as studio:
        studio.drafts.remove("draft")

    assert left == [True, True, False, True]
    assert not edited.exists()
    assert not pasted.exists()


def _fetched(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as reply:
        data: bytes = reply.read()
        return data


def _size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.size


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read by anybody")
async def test_a_picture_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        await Pictures(tmp_path / "made", CountingWorker()).make(Path("/proc/self/mem"), HALF)

    assert refused.value.problem.kind is Kind.IMAGE_UNREADABLE


async def test_a_folder_that_cannot_be_made_is_a_problem_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("in the way")
    pictures = Pictures(tmp_path / "made", CountingWorker())

    with pytest.raises(DiskProblem):
        await pictures.keep(as_png(), "winter")
    with pytest.raises(DiskProblem):
        await pictures.make(a_picture(tmp_path / "winter.png"), HALF)
