"""Part `media` of the torture: every file of the corpus through everything that ever opens one.

Judged are four things: that nothing takes the window with it or waits for ever, that a cut take is never taken for whole,
that what is taken for whole shows what the whole one showed, and that no file makes the program open another.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klingstudio.domain.errors import StudioError
from klingstudio.media.worker import MediaWorker
from tests.torture.media.bulk import GIVE_UP_S, Outcome, run_all
from tests.torture.media.corpus import Expected, Specimen, make_corpus
from tests.torture.media.disguises import baited
from tests.torture.media.originals import FRAMES, make_originals
from tests.torture.parts import Stint, Verdict

PART = "media"
BOMB_GREW_MAX = 64 * 1024 * 1024
PREVIEW_GREW_MAX = 400 * 1024 * 1024
"""What a hostile file may cost the window."""
_AT_A_TIME = 40
_ONE_BY_ONE = 24
_POSTER = {"do": "poster", "at_s": 0.2, "width_px": 160}
_STRIP = {"do": "filmstrip", "count": 6, "height_px": 48}


@dataclass(slots=True)
class _Tally:
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    most: dict[str, float] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def wrong(self, what: str, specimen: Specimen) -> None:
        self.violations.append(f"seed {self.seed}, {specimen.group}/{specimen.path.name!r}: {what}")

    def at_most(self, name: str, value: float) -> None:
        self.most[name] = max(self.most.get(name, 0.0), value)


def run(stint: Stint, *, share: float = 1.0, one_by_one: int = _ONE_BY_ONE) -> Verdict:
    """Make the corpus and open all of it. `share`: of the cut and spoiled files, how many."""
    tally = _Tally(stint.seed)
    with tempfile.TemporaryDirectory(prefix="torture-media-") as name:
        folder = Path(name) / "files"
        originals = make_originals(Path(name) / "originals")
        with baited(folder, originals["plain.mp4"]) as listener:
            specimens = make_corpus(folder, stint.seed, originals, listener.url, share)
            random.Random(stint.seed).shuffle(specimens)
            before = _digest(specimens)
            seen = _open_all(specimens, stint, tally)
            _open_one_by_one(specimens[:one_by_one], seen, stint, tally)
            if _digest(specimens) != before:
                tally.violations.append(f"seed {stint.seed}: a file was changed by being opened")
            if listener.calls:
                tally.violations.append(f"seed {stint.seed}: {listener.calls} calls of an address named in a file")
    most = {name: round(value, 3) for name, value in sorted(tally.most.items())}
    return Verdict(part=PART, counts={**dict(sorted(tally.counts.items())), **most}, violations=tuple(tally.violations))


def commands(specimen: Specimen) -> list[dict[str, Any]]:
    """Everything that may open such a file."""
    if specimen.is_picture:
        out = str(specimen.path) + ".clean"
        clean = {"do": "clean_image", "out": out, "part": out + ".part", "formats": ["jpeg", "png"]}
        calls: Sequence[dict[str, Any]] = ({"do": "image"}, clean)
    else:
        judged = [{"do": "judge", "original": str(specimen.original)}] if specimen.original else []
        calls = ({"do": "probe"}, {"do": "verify"}, _POSTER, _STRIP, {"do": "frame_times"}, {"do": "preview"}, *judged)
    return [{**call, "path": str(specimen.path)} for call in calls]


def _open_all(specimens: list[Specimen], stint: Stint, tally: _Tally) -> dict[Path, dict[str, Outcome]]:
    """What came of each file, by the call."""
    seen: dict[Path, dict[str, Outcome]] = {}

    def work(some: list[Specimen]) -> list[tuple[Specimen, dict[str, Outcome]]]:
        if stint.is_over():
            return []
        outcomes = iter(run_all([command for specimen in some for command in commands(specimen)]))
        return [(one, {o.command["do"]: o for o in _next(outcomes, len(commands(one)))}) for one in some]

    with ThreadPoolExecutor(max_workers=stint.workers) as pool:
        for found in pool.map(work, _batches(specimens)):
            for specimen, outcomes in found:
                seen[specimen.path] = outcomes
                _judge(specimen, outcomes, tally)
    return seen


def _batches(specimens: list[Specimen]) -> list[list[Specimen]]:
    return [specimens[at : at + _AT_A_TIME] for at in range(0, len(specimens), _AT_A_TIME)]


def _next(outcomes: Iterator[Outcome], count: int) -> list[Outcome]:
    return [next(outcomes) for _ in range(count)]


def _judge(specimen: Specimen, outcomes: dict[str, Outcome], tally: _Tally) -> None:
    tally.counts["files"] += 1
    for do, outcome in outcomes.items():
        if do != "judge":
            _judge_call(specimen, do, outcome, tally)
    # A source whose last bytes are missing may still be whole where it matters; a take must not.
    judges = ("verify",) if specimen.group == "cut" else ("image", "clean_image", "probe", "verify")
    checks = [outcomes[do] for do in judges if do in outcomes]
    match specimen.expected:
        case Expected.REFUSED:
            if any(check.is_good for check in checks):
                tally.wrong("was taken", specimen)
            tally.counts[f"{specimen.group}: refused"] += not any(check.is_good for check in checks)
        case Expected.GOOD:
            if not all(check.is_good for check in checks):
                tally.wrong(f"was refused: {[check.kind for check in checks]}", specimen)
        case Expected.HONEST:
            tally.counts["spoiled: taken" if checks[-1].is_good else "spoiled: refused"] += 1
    if specimen.original is not None and outcomes["verify"].is_good:
        _judge_taken(specimen, outcomes["verify"], outcomes["judge"], tally)
    if specimen.lasts_s is not None and outcomes["probe"].is_good:
        lasts_s = outcomes["probe"].result["duration_s"]
        if abs(lasts_s - specimen.lasts_s) > 0.05 * specimen.lasts_s:
            tally.wrong(f"said to last {lasts_s:.2f} s, lasts {specimen.lasts_s:.2f} s", specimen)


def _judge_call(specimen: Specimen, do: str, outcome: Outcome, tally: _Tally) -> None:
    tally.counts["calls"] += 1
    tally.at_most(f"slowest {do}, s", outcome.took_s)
    if outcome.kind == "hung" or outcome.took_s > GIVE_UP_S:
        tally.wrong(f"{do}: no end after {outcome.took_s:.0f} s", specimen)
    elif outcome.kind == "crashed" and do == "preview":
        tally.wrong(f"takes the window with it: {outcome.detail}", specimen)
    elif outcome.is_contained:
        tally.counts[f"contained: {outcome.kind}, {outcome.detail[:40]}"] += 1
        if "Traceback" in outcome.detail:
            tally.wrong(f"{do}: {outcome.detail}", specimen)
    if specimen.group in {"picture_bomb", "film_bomb"}:
        tally.at_most(f"most memory, {specimen.group}, MB", outcome.grew_bytes / 2**20)
        tally.at_most(f"slowest {specimen.group}, s", outcome.took_s)
        if outcome.grew_bytes > BOMB_GREW_MAX:
            tally.wrong(f"{do}: took {outcome.grew_bytes >> 20} MB", specimen)
    if do == "preview":
        tally.at_most("most memory, preview, MB", outcome.grew_bytes / 2**20)
        if outcome.grew_bytes > PREVIEW_GREW_MAX:
            tally.wrong(f"{do}: took {outcome.grew_bytes >> 20} MB of the window", specimen)


def _judge_taken(specimen: Specimen, verified: Outcome, judged: Outcome, tally: _Tally) -> None:
    """A file that passed must show what its original showed."""
    if judged.result is None:
        tally.wrong(f"was taken, and cannot be judged: {judged.kind} {judged.detail}", specimen)
        return
    why, pictures = judged.result["why"], judged.result["pictures"]
    if not why:
        tally.counts["taken: shows the same"] += 1
    elif judged.result["is_altered"]:
        tally.counts["taken: another picture, and no decoder could tell"] += 1
    elif pictures != FRAMES and pictures == verified.result["frame_count"]:
        # An edit list that leaves some out, as when a film is trimmed.
        tally.counts["taken: shorter, and said so"] += 1
    elif not judged.result["has_sound"] and verified.result["audio_codec"] is None:
        tally.counts["taken: without its sound, and said so"] += 1
    else:
        tally.wrong(f"was taken although broken: {why}", specimen)


def _open_one_by_one(
    specimens: list[Specimen], seen: dict[Path, dict[str, Outcome]], stint: Stint, tally: _Tally
) -> None:
    """Some of them the way the program does, a process for each call: the same must come of it."""

    async def work() -> None:
        worker = MediaWorker()
        for specimen in specimens:
            if stint.is_over() or specimen.path not in seen:
                return
            do = "image" if specimen.is_picture else "probe"
            call = worker.image if specimen.is_picture else worker.probe
            try:
                await call(specimen.path)
                kind = ""
            except StudioError as error:
                kind = error.problem.kind.value
            tally.counts["calls in a process of their own"] += 1
            if kind != seen[specimen.path][do].kind:
                tally.wrong(
                    f"{do}: {kind or 'taken'} by itself, {seen[specimen.path][do].kind or 'taken'} among others",
                    specimen,
                )

    asyncio.run(work())


def _digest(specimens: list[Specimen]) -> str:
    whole = hashlib.sha256()
    for specimen in specimens:
        whole.update(specimen.path.read_bytes())
    return whole.hexdigest()
