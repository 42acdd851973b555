"""The element library on real files: what is kept survives its originals, and a changed picture is another file."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from klingstudio.domain.element import Element, LibraryElement
from klingstudio.domain.errors import DiskProblem, InputRefused, Kind, StudioError
from klingstudio.engine.element_file import ENDING, PICTURE_MAX_BYTES
from klingstudio.engine.library import Library
from klingstudio.media.worker import MediaWorker
from klingstudio.store.database import Database, open_database
from klingstudio.store.library import LibraryStore
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "studio.sqlite3")
    yield opened
    opened.close()


def a_library(database: Database, folder: Path) -> Library:
    ids, moments = itertools.count(1), itertools.count()
    return Library(
        LibraryStore(database),
        folder,
        MediaWorker(),
        now=lambda: NOW + timedelta(minutes=next(moments)),
        new_id=lambda: f"id-{next(ids)}",
    )


@pytest.fixture
def library(database: Database, tmp_path: Path) -> Library:
    return a_library(database, tmp_path / "library")


def a_picture(path: Path, colour: str = "teal", **how: object) -> str:
    Image.new("RGB", (400, 320), colour).save(path, **how)  # type: ignore[arg-type]
    return str(path)


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def contents(element: LibraryElement) -> list[bytes]:
    return [Path(place).read_bytes() for place in element.places]


# ------------------------------------------------------------------------------------------------------------- keeping


async def test_an_element_survives_its_originals_and_the_program(database: Database, tmp_path: Path) -> None:
    front, side = a_picture(tmp_path / "mia.png"), a_picture(tmp_path / "side.jpg", "red")
    first = a_library(database, tmp_path / "library")
    kept = await first.save(Element(frontal=front, angles=(side,), name=" Mia "), tags=["hero"], notes="Red coat.")
    pictures = contents(kept)
    Path(front).unlink()
    Path(side).unlink()

    again = a_library(database, tmp_path / "library")

    assert again.all() == (kept,)
    assert (kept.name, kept.tags, kept.notes) == ("Mia", ("hero",), "Red coat.")
    assert contents(again.all()[0]) == pictures
    assert [Path(place).name for place in kept.places] == ["mia.png", "side.jpg"]
    assert again.places() == frozenset(kept.places)


async def test_a_picture_lies_under_the_name_of_its_content_once(library: Library, tmp_path: Path) -> None:
    front, copy = a_picture(tmp_path / "mia.png"), tmp_path / "copy of mia.png"
    copy.write_bytes(Path(front).read_bytes())

    one = await library.save(Element(frontal=front, name="One"))
    other = await library.save(Element(frontal=str(copy), name="Other"))

    assert one.frontal == other.frontal
    digest = hashlib.sha256(Path(one.frontal).read_bytes()).hexdigest()
    assert Path(one.frontal).parent.name == digest[:32]
    assert files_in(tmp_path / "library") == [Path(one.frontal)]


async def test_what_is_kept_tells_neither_place_nor_camera(library: Library, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    front = a_picture(tmp_path / "mia.jpg", exif=exif)

    kept = await library.save(Element(frontal=front))

    assert b"SecretCamera" not in Path(kept.frontal).read_bytes()
    with Image.open(kept.frontal) as picture:
        assert not picture.getexif()
    assert kept.name == "Element"


async def test_a_picture_with_a_lying_name_is_kept_with_the_ending_of_what_it_is(
    library: Library, tmp_path: Path
) -> None:
    kept = await library.save(Element(frontal=a_picture(tmp_path / "mia.png", format="JPEG")))

    assert Path(kept.frontal).name == "mia.jpg"


async def test_a_changed_picture_is_another_file_and_the_older_one_stays_for_who_uses_it(
    library: Library, tmp_path: Path
) -> None:
    kept = await library.save(Element(frontal=a_picture(tmp_path / "mia.png"), name="Mia"), tags=["hero"])
    older = Path(kept.frontal).read_bytes()

    a_picture(tmp_path / "mia.png", "red")
    changed = await library.update(kept.id, Element(frontal=str(tmp_path / "mia.png"), angles=(kept.frontal,)))

    assert changed.frontal != kept.frontal
    assert Path(kept.frontal).read_bytes() == older
    assert changed.angles == (kept.frontal,)
    assert (changed.id, changed.name, changed.tags) == (kept.id, "Mia", ("hero",))
    assert changed.created_at == kept.created_at < changed.changed_at


async def test_a_file_that_was_overwritten_in_the_library_is_not_taken_for_what_it_was(
    library: Library, tmp_path: Path
) -> None:
    kept = await library.save(Element(frontal=a_picture(tmp_path / "mia.png"), name="Mia"))
    a_picture(Path(kept.frontal), "red")
    spoiled = Path(kept.frontal).read_bytes()

    as_it_is = await library.update(kept.id, Element(frontal=kept.frontal))
    again = await library.save(Element(frontal=a_picture(tmp_path / "mia.png"), name="Again"))

    assert Path(as_it_is.frontal).read_bytes() == spoiled
    assert Path(again.frontal).read_bytes() == (tmp_path / "mia.png").read_bytes()
    assert as_it_is.frontal != again.frontal


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda path: path.unlink(), Kind.IMAGE_MISSING),
        (lambda path: path.write_bytes(b"<html>"), Kind.IMAGE_WRONG_TYPE),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), Kind.IMAGE_UNREADABLE),
    ],
)
async def test_an_element_with_one_bad_picture_is_not_kept_at_all(
    spoil: object, kind: Kind, library: Library, tmp_path: Path
) -> None:
    front, side = a_picture(tmp_path / "mia.png"), a_picture(tmp_path / "side.png")
    spoil(Path(side))  # type: ignore[operator]

    with pytest.raises(InputRefused) as caught:
        await library.save(Element(frontal=front, angles=(side,)))

    assert caught.value.problem.kind is kind
    assert library.all() == ()
    assert files_in(tmp_path / "library") == []


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        (Element(frontal="", name="Mia"), Kind.FRONT_MISSING),
        (Element(frontal="https://example.org/mia.png"), Kind.ELEMENT_ON_THE_WEB),
        (Element(frontal="mia.png", angles=("a.png",) * 9), Kind.TOO_MANY_ANGLES),
    ],
)
async def test_what_cannot_be_kept_is_said(element: Element, kind: Kind, library: Library) -> None:
    with pytest.raises(InputRefused) as caught:
        await library.save(element)

    assert caught.value.problem.kind is kind


async def test_a_library_where_a_file_is_in_the_way_is_a_problem_of_the_disk(library: Library, tmp_path: Path) -> None:
    (tmp_path / "library").write_text("in the way")

    with pytest.raises(DiskProblem):
        await library.save(Element(frontal=a_picture(tmp_path / "mia.png")))


async def test_a_cancelled_save_leaves_nothing(library: Library, tmp_path: Path) -> None:
    front = a_picture(tmp_path / "mia.png")
    task = asyncio.ensure_future(library.save(Element(frontal=front, angles=(front, front))))
    while not list((tmp_path / "library").glob(".klingstudio-*/*/copy.png")):
        await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert library.all() == ()
    assert list((tmp_path / "library").iterdir()) == []


# ------------------------------------------------------------------------------------------- describing and removing


async def test_words_are_changed_without_touching_the_pictures_and_found_again(
    library: Library, tmp_path: Path
) -> None:
    told: list[int] = []
    mia = await library.save(Element(frontal=a_picture(tmp_path / "mia.png"), name="Mia"))
    end = library.subscribe(lambda: told.append(1))

    described = library.describe(mia.id, name="Mia Winter", tags=["hero", "HERO", "snow"], notes="Red coat.")
    same = library.describe(mia.id, name="", tags=["hero", "snow"], notes="Red coat.")
    end()
    library.describe(mia.id, name="Mia", tags=[], notes="")

    assert (described.name, described.tags, described.places) == ("Mia Winter", ("hero", "snow"), mia.places)
    assert same is described
    assert told == [1]
    assert [one.id for one in library.find("MIA")] == [mia.id]
    assert library.find("snow") == ()


async def test_a_removed_element_can_be_put_back_until_the_program_ends(
    database: Database, library: Library, tmp_path: Path
) -> None:
    mia = await library.save(Element(frontal=a_picture(tmp_path / "mia.png"), name="Mia"))

    library.remove(mia.id)
    assert (library.all(), library.get(mia.id), library.places()) == ((), None, frozenset())
    assert a_library(database, tmp_path / "library").all() == ()
    library.restore(mia.id)

    assert a_library(database, tmp_path / "library").all() == library.all() == (mia,)
    assert Path(mia.frontal).exists()
    for gone in (library.restore, lambda id_: library.describe(id_, name="x", tags=[], notes="")):
        with pytest.raises(StudioError) as caught:
            gone("nobody")
        assert caught.value.problem.kind is Kind.ELEMENT_GONE


# ------------------------------------------------------------------------------------------------------- element files


async def test_an_element_goes_to_another_library_as_one_file_and_is_the_same_there(
    database: Database, library: Library, tmp_path: Path
) -> None:
    front, side = a_picture(tmp_path / "mia.png"), a_picture(tmp_path / "side.webp", "red")
    mia = await library.save(Element(frontal=front, angles=(side,), name="Mia"), tags=["hero"], notes="Red\ncoat")

    out = await library.export(mia.id, tmp_path / "Mia")
    library.remove(mia.id)
    came = await library.import_file(out)
    twice = await library.import_file(out)

    assert out == tmp_path / f"Mia{ENDING}"
    assert (came.name, came.tags, came.notes) == (mia.name, mia.tags, mia.notes)
    assert contents(came) == contents(mia)
    assert came.id != mia.id
    assert twice == came
    assert library.all() == (came,)


async def test_a_file_with_a_picture_that_is_none_adds_nothing(library: Library, tmp_path: Path) -> None:
    mia = await library.save(Element(frontal=a_picture(tmp_path / "mia.png"), name="Mia"))
    out = await library.export(mia.id, tmp_path / "mia")
    before = files_in(tmp_path / "library")
    manifest = json.loads(zipfile.ZipFile(out).read("manifest.json")) | {"angles": ["angle-1.png"]}
    with zipfile.ZipFile(tmp_path / "evil", "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("front.png", Path(a_picture(tmp_path / "other.png", "red")).read_bytes())
        archive.writestr("angle-1.png", b"\x89PNG\r\n\x1a\n and no more")

    with pytest.raises(InputRefused) as caught:
        await library.import_file(tmp_path / "evil")

    assert caught.value.problem.kind is Kind.IMAGE_UNREADABLE
    assert library.all() == (mia,)
    assert files_in(tmp_path / "library") == before


# ------------------------------------------------------------------------------------------------- on the real sandbox


async def test_an_edit_with_a_changed_element_sends_the_changed_picture(
    home: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    clip = a_clip(tmp_path / "clip.mp4")
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        kept = await studio.library.save(Element(frontal=a_picture(tmp_path / "mia.png"), name="Mia"))
        element = Element(frontal=kept.frontal, name=kept.name, library_id=kept.id)
        request = a_request(clip, prompt="let @Element1 walk", provider="fal", elements=(element,))
        (first,) = studio.queue.enqueue(request)
        done = await watch.until(first.id, lambda job: bool(job.assets))

        a_picture(tmp_path / "mia.png", "red")
        changed = await studio.library.update(kept.id, Element(frontal=str(tmp_path / "mia.png")))
        newer = replace(element, frontal=changed.frontal)
        (second,) = studio.queue.enqueue(replace(request, elements=(newer,)))
        again = await watch.until(second.id, lambda job: bool(job.assets))

    urls = [[asset.url for asset in job.assets if asset.subject == "element:1"] for job in (done, again)]
    assert urls[0] != urls[1]
    sent = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files_in(tmp_path / "sandbox" / "blobs")}
    assert {hashlib.sha256(Path(place).read_bytes()).hexdigest() for place in (kept.frontal, changed.frontal)} <= sent


async def test_a_picture_that_is_too_heavy_or_cannot_be_looked_at_is_refused(library: Library, tmp_path: Path) -> None:
    heavy = tmp_path / "heavy.png"
    heavy.touch()
    os.truncate(heavy, PICTURE_MAX_BYTES + 1)

    for place, kinds in (
        (heavy, {Kind.IMAGE_TOO_HEAVY}),
        # Longer than any disk takes: asking for it is an error of its own.
        (tmp_path / f"{'x' * 300}.png", {Kind.IMAGE_UNREADABLE, Kind.IMAGE_MISSING}),
    ):
        with pytest.raises(InputRefused) as refused:
            await library.save(Element(frontal=str(place), name="Mia"), tags=[], notes="")
        assert refused.value.problem.kind in kinds
    assert library.all() == ()
    assert files_in(tmp_path / "library") == []


async def test_something_odd_beside_a_kept_picture_is_not_taken_for_it(library: Library, tmp_path: Path) -> None:
    front = a_picture(tmp_path / "mia.png")
    kept = await library.save(Element(frontal=front, name="Mia"), tags=[], notes="")
    picture = Path(kept.frontal)
    content = picture.read_bytes()
    picture.unlink()
    picture.mkdir()

    with pytest.raises(DiskProblem):
        await library.save(Element(frontal=front, name="Mia again"), tags=[], notes="")
    picture.rmdir()
    again = await library.save(Element(frontal=front, name="Mia again"), tags=[], notes="")

    assert Path(again.frontal).read_bytes() == content


async def test_an_element_that_is_not_kept_is_removed_without_a_word(library: Library) -> None:
    library.remove("nobody")

    assert library.all() == ()
