"""Names that files may have and programs stumble over. Each is the name of a source that goes through a whole job."""

from __future__ import annotations

import random
from collections.abc import Iterator

MOST_BYTES = 255

TELLING = (
    "-", "--help.mp4", "-i.mkv", "concat:a|b.mkv", "file:film.mkv", "http:film.mkv", "pipe:0.mkv", "subfile,,start,0,end,9,,:x.mkv",
    "film\nof two lines.mkv", "tab\there.mkv", "quote'd \"film\".mkv", "back\\slash.mkv", "%41%2f..%2f.mkv", "a?b#c=d&e.mkv",
    "пляж.mkv", "雪の浜.mkv", "👩‍👩‍👧‍👦🏖️.mkv", "e\u0301te\u0301.mkv", "\u202egpj.mkv", "zero\u200bwidth.mkv", ".hidden.mkv", "...mkv", " leading.mkv",
    "trailing .mkv ", "CON.mkv", "aux", "nul.mp4", "$(touch x).mkv", "`id`.mkv", "; rm x;.mkv", "*.mkv", "[abc].mkv", "~.mkv",
    "%s%n%d.mkv", "{0}.mkv", "\x7f.mkv", "\x01.mkv", "film.mkv.mp4.exe", "no ending", "UPPER.MKV",
)  # fmt: skip
"""Each tells which care was missing."""


def names(count: int, seed: int) -> Iterator[str]:
    """So many different ones: the telling ones, the longest, and others made of pieces of both."""
    chance = random.Random(seed)
    longest = [longest_of("a"), longest_of("ä"), longest_of("雪"), longest_of("🏖")]
    known = [*TELLING, *longest]
    seen = dict.fromkeys(known)
    while len(seen) < count:
        pieces = (chance.choice(TELLING)[: chance.randint(1, 12)] for _ in range(chance.randint(1, 5)))
        made = shortened("".join(pieces), MOST_BYTES - 4) + chance.choice((".mkv", ".mp4", ""))
        if made not in (".", "..", "film.mkv") and "/" not in made and "\0" not in made:
            seen[made] = None
    yield from list(seen)[:count]


def longest_of(letter: str) -> str:
    """As long a name as a disk takes."""
    return shortened(letter * MOST_BYTES, MOST_BYTES - 4) + ".mkv"


def shortened(text: str, most_bytes: int) -> str:
    """What of it fits."""
    while len(text.encode()) > most_bytes:
        text = text[:-1]
    return text
