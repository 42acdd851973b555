"""Two thousand files that no program should be shown, made from a seed: the same seed makes the same files.

Everything begins with whole clips of a few kilobytes. What is made of them is cut, spoiled, swollen or disguised; each file
knows what must come of it.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle, islice
from pathlib import Path

from tests.torture.media import disguises, films, pictures
from tests.torture.media.damage import ANYWHERE, IN_BOXES, cut
from tests.torture.media.originals import TAKES, detailed

CUTS = 520
"""A few more than the five hundred that are promised."""
SPOILED = 1_320
SPOILED_PICTURES = 120


class Expected(StrEnum):
    """What must come of a file. Of all of them: no crash of the window, no endless wait."""

    REFUSED = "refused"
    HONEST = "honest"
    """Refused, or shown as what it is."""
    GOOD = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """One file."""

    path: Path
    group: str
    expected: Expected = Expected.HONEST
    original: Path | None = None
    """What it was made of."""
    lasts_s: float | None = None
    """How long it really is, where its head says something else."""
    is_picture: bool = False


def make_corpus(
    folder: Path, seed: int, originals: Mapping[str, bytes], url: str, share: float = 1.0
) -> list[Specimen]:
    """Write all files into the folder, where the bait lies already. `share`: of the cut and spoiled ones, how many."""
    dice = random.Random(seed)
    whole = folder / "whole"
    whole.mkdir()
    for name, data in originals.items():
        (whole / name).write_bytes(data)
    made = [
        *_cut(dice, originals, round(CUTS * share)),
        *_spoiled(dice, originals, round(SPOILED * share)),
        *_spoiled_pictures(dice, round(SPOILED_PICTURES * share)),
        *_crafted(folder, url, originals),
    ]
    return [_written(folder, whole, *one) for one in made]


_Made = tuple[str, str, bytes, dict[str, object]]
"""Group, name, content, and what else is known."""


def _written(folder: Path, whole: Path, group: str, name: str, data: bytes, known: dict[str, object]) -> Specimen:
    place = folder / group if group != "disguised" else folder
    place.mkdir(exist_ok=True)
    path = place / name
    path.write_bytes(data)
    known = dict(known)
    if "original" in known:
        known["original"] = whole / str(known["original"])
    return Specimen(path=path, group=group, **known)  # type: ignore[arg-type]


def _cut(dice: random.Random, originals: Mapping[str, bytes], count: int) -> Iterator[_Made]:
    for number, name in enumerate(islice(cycle(TAKES), count)):
        yield "cut", f"{number}-{name}", cut(originals[name], dice), {"expected": Expected.REFUSED, "original": name}


def _spoiled(dice: random.Random, originals: Mapping[str, bytes], count: int) -> Iterator[_Made]:
    ways = [
        (name, way, spoil)
        for name in originals
        for way, spoil in {**ANYWHERE, **(IN_BOXES if name.endswith((".mp4", ".mov")) else {})}.items()
    ]
    dice.shuffle(ways)
    for number, (name, way, spoil) in enumerate(islice(cycle(ways), count)):
        yield way, f"{number}-{name}", spoil(originals[name], dice), {"original": name}


def _spoiled_pictures(dice: random.Random, count: int) -> Iterator[_Made]:
    whole = {}
    for form, ending in (("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("JPEG", "progressive.jpg")):
        file = io.BytesIO()
        detailed(3, (160, 120)).save(file, form, **({"progressive": True} if "prog" in ending else {}))
        whole[ending] = file.getvalue()
    ways = [(ending, way) for ending in whole for way in (*ANYWHERE, "cut")]
    for number, (ending, way) in enumerate(islice(cycle(ways), count)):
        spoil = ANYWHERE.get(way, cut)
        yield "picture", f"{number}-{way}.{ending}", spoil(whole[ending], dice), {"is_picture": True}


def _crafted(folder: Path, url: str, originals: Mapping[str, bytes]) -> Iterator[_Made]:
    refused: dict[str, object] = {"expected": Expected.REFUSED}
    for name, data in pictures.bombs():
        yield "picture_bomb", name, data, {**refused, "is_picture": True}
    for name, data in pictures.oddities():
        yield "picture_oddity", name, data, {"is_picture": True}
    for name, data in films.bombs(originals):
        yield "film_bomb", name, data, refused
    for name, data in films.oddities(originals):
        yield "film_oddity", name, data, {}
    for name, data, lasts_s in films.lies(originals):
        yield "lie", name, data, {"lasts_s": lasts_s}
    for name, data in disguises.disguised(folder, url, originals):
        yield "disguised", name, data, {} if name.startswith("gab2") else refused
    for name, data in disguises.referring(folder, url, originals):
        yield "disguised", name, data, {}
    for name, data in disguises.named(originals["faststart.mp4"]):
        yield "name", name, data, {"expected": Expected.GOOD, "original": "faststart.mp4"}
