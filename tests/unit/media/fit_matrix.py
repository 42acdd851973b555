"""Clips of every kind, fitted for every service and shown to what the services look at. All of them by hand:

python -m tests.unit.media.fit_matrix [FILE...]
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from pathlib import Path
from typing import Any

from klingstudio.domain.fit import plan_fit
from klingstudio.domain.job import Asset, Clip
from klingstudio.domain.media import FitPlan, Framing, Limits, Trim
from klingstudio.domain.request import Request
from klingstudio.media.fit import fit
from klingstudio.media.probe import probe
from klingstudio.media.verify import verify
from klingstudio.media.whole_file import new_part
from klingstudio.providers.registry import SERVICES, Entry
from klingstudio.sandbox import fal_model, oxen_models, pixeldojo_model, segmind_orders
from klingstudio.sandbox.work import check_clip
from tests.unit.media.made_clips import make_clip

KINDS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "h264.mkv": {"sound_codec": "libopus"},
    "hevc-ten-bit.mov": {"codec": "libx265", "pixel_format": "yuv420p10le", "sound_codec": "pcm_s16le"},
    "vp9.webm": {"codec": "libvpx-vp9", "sound_codec": "libopus"},
    "mpeg4.avi": {"codec": "mpeg4", "sound_codec": "libmp3lame"},
}
SIZES = ((1280, 720), (128, 72), (640, 64), (98, 170))
"""One that fits, one to be enlarged, a ribbon, an upright one. No side below 64: x265 writes beyond narrower pictures."""
RATES: dict[str, Fraction | int] = {"24": 24, "10": 10, "29.97": Fraction(30000, 1001), "variable": 20}
TURNS_DEG = (0, 90)
LENGTHS: dict[str, tuple[float, Trim | None]] = {
    "fits": (3.2, None),
    "cut": (3.8, Trim(start_s=0.35, end_s=3.5)),
    "too long": (10.4, None),
}
SOUNDS = (True, False)

READERS: dict[str, Callable[[str, dict[str, Any]], str | None]] = {
    "fal": lambda path, body: fal_model.order_from(path.strip("/"), body, "ada").late_problem,
    "oxen": lambda _, body: oxen_models.order_from(oxen_models.MODELS[body["model"]], body, account="a").late_problem,
    "segmind": lambda _, body: (
        segmind_orders.early_problem(body) or segmind_orders.order_from(body, account="ada").late_problem
    ),
    "pixeldojo": lambda _, body: pixeldojo_model.unknown_field(body) or pixeldojo_model.problem(body),
}
"""What each service finds wrong with an order, as the sandbox has it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One clip of the matrix."""

    file: str
    size: tuple[int, int]
    rate: str
    turn_deg: int
    length: str
    has_sound: bool

    def __str__(self) -> str:
        sound = "sound" if self.has_sound else "mute"
        return f"{self.file} {self.size[0]}x{self.size[1]} {self.rate} turned {self.turn_deg} {self.length} {sound}"

    @property
    def trim(self) -> Trim | None:
        """What the person chose of it."""
        return LENGTHS[self.length][1]

    @property
    def framing(self) -> Framing:
        """Both ways of framing take turns."""
        return Framing.PAD if self.has_sound else Framing.CROP

    def made(self, folder: Path) -> Path:
        """The source."""
        length_s, rate = LENGTHS[self.length][0], RATES[self.rate]
        how = dict(KINDS[self.file])
        count = round(length_s * rate)
        if self.rate == "variable":
            # Frames come in twos.
            how["at_ms"] = [1000 * n // 20 - (15 if n % 2 else 0) for n in range(count)]
        if self.has_sound:
            how["sound_s"] = length_s
        else:
            how.pop("sound_codec", None)
        path = folder / f"source-{self.file}"
        return make_clip(path, count=count, size=self.size, fps=rate, turn_deg=self.turn_deg, **how)


AXES = (tuple(KINDS), SIZES, tuple(RATES), TURNS_DEG, tuple(LENGTHS), SOUNDS)
EVERY = tuple(
    kind
    for kind in (Kind(*values) for values in product(*AXES))
    # Ten seconds of a large picture take longer than all the rest, and are cut as those of a small one.
    if kind.length != "too long" or kind.size == SIZES[1]
)


def covering(kinds: tuple[Kind, ...]) -> Iterator[Kind]:
    """So few of them that any two properties still meet in one."""
    left = {pair for kind in kinds for pair in _pairs(kind)}
    while left:
        best = max(kinds, key=lambda kind: len(left & _pairs(kind)))
        left -= _pairs(best)
        yield best


def _pairs(kind: Kind) -> frozenset[object]:
    values = (kind.file, kind.size, kind.rate, kind.turn_deg, kind.length, kind.has_sound)
    return frozenset(combinations(enumerate(values), 2))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one clip."""

    plans: tuple[FitPlan, ...]
    """Those that differ between the services."""
    wrong: tuple[str, ...]
    """What any of them finds wrong with what it would be sent."""


def tried(kind: Kind, folder: Path) -> Outcome:
    """Fit one clip for every service and look at it as they do."""
    source = kind.made(folder)
    facts, before = probe(source), hashlib.sha256(source.read_bytes()).hexdigest()
    clips: dict[FitPlan, Clip] = {}
    wrong: list[str] = []
    for entry in SERVICES:
        limits = entry.info.limits
        plan = plan_fit(facts, limits, kind.trim, kind.framing)
        if plan not in clips:
            out = folder / f"clip-{len(clips)}.mp4"
            clips[plan] = fit(source, plan, limits=limits, keep_audio=True, out=out, part=new_part(out))
            wrong += _wrong_with(clips[plan], limits)
            if plan.is_identity and clips[plan].sha256 != before:
                wrong.append("fits, and is not the source byte for byte")
        if problem := _wrong_with_order(entry, clips[plan]):
            wrong.append(f"{entry.info.id}: {problem}")
    if hashlib.sha256(source.read_bytes()).hexdigest() != before:
        wrong.append("the source was changed")
    return Outcome(tuple(clips), tuple(wrong))


def _wrong_with(clip: Clip, limits: Limits) -> Iterator[str]:
    # Says in its own words what it finds.
    check_clip(Path(clip.path))
    facts = verify(Path(clip.path))
    found = {
        "container": "mp4" in facts.container.split(","),
        "codec": (facts.video_codec, facts.pixel_format) == ("h264", "yuv420p"),
        "rotation": facts.rotation_deg == 0,
        "length": limits.clip_min_s - 0.001 <= facts.duration_s <= limits.clip_max_s + 0.001,
        "side": all(limits.side_min_px <= side <= limits.side_max_px for side in (facts.width_px, facts.height_px)),
        "even": facts.width_px % 2 == facts.height_px % 2 == 0,
        "rate": limits.fps_min <= facts.fps <= limits.fps_max and not facts.is_variable_rate,
        "size": facts.size_bytes <= limits.clip_max_bytes,
        "sound": facts.audio_codec in {None, "aac"},
        "end of the sound": (facts.audio_duration_s or 0) <= facts.duration_s + 0.05,
    }
    return (name for name, is_right in found.items() if not is_right)


def _wrong_with_order(entry: Entry, clip: Clip) -> str | None:
    request = Request(source=clip.path, prompt="Make it snow", provider=entry.info.id)
    order = entry.planned_order(request, [Asset(subject="source", url="https://example.org/clip.mp4")], clip)
    return READERS[entry.info.id](order.path, json.loads(order.body))


def main() -> int:
    """Try every clip, or those in the files that are named, and tell the numbers."""
    kinds = [kind for kind in EVERY if kind.file in (sys.argv[1:] or KINDS)]
    began_s, identical, kept, failed = time.monotonic(), 0, 0, 0
    for number, kind in enumerate(kinds, 1):
        with tempfile.TemporaryDirectory() as folder:
            outcome = tried(kind, Path(folder))
        identical += any(plan.is_identity for plan in outcome.plans)
        kept += any(plan.keeps_picture for plan in outcome.plans)
        failed += bool(outcome.wrong)
        if outcome.wrong or number % 50 == 0:
            print(f"{number} of {len(kinds)}, {kind}: {', '.join(outcome.wrong) or 'right'}", flush=True)
    took_s = time.monotonic() - began_s
    print(
        f"{len(kinds)} clips, {identical} sent as they are, {kept} with their own pictures, {failed} wrong, {took_s:.0f} s"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
