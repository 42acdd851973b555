"""By how much two clips of the same scene are shifted in time, found from their signatures.

Colours may be others and things may have been replaced, but what moves in both clips moves at the same time. So the
clips are compared by how each part of the picture changes from moment to moment: roughly for every possible shift
first, then frame by frame around the best one. Where nothing moves, or the same comes again and again, other shifts fit
as well as the best one, and then nothing is shifted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from operator import mul, sub

from klingstudio.media.signature import SIDE, Moment

SURE = 0.5
"""From this confidence on a shift is right as far as can be told."""

_STEP_S = 0.1
_STEP_MAX_S = 0.2
"""Steps of the rough search: longer where a clip was not looked at as often, and too long to find anything beyond."""
_COMPARISONS_MAX = 60_000
"""Of two moments, in the rough search. Of long clips only some moments of the one after are looked for."""
_LEAST_OVERLAP = 0.4
"""Part of the shorter clip that both must have in common."""
_LEAST_STEPS = 5
_LEAST_SOUGHT = 20
"""Moments that are looked for: of clips so long that it would be fewer, nothing is."""
_RIVAL_S = 0.35
"""Shifts further than this from the best one are its rivals; nearer ones are the slopes of the same peak."""
_SCENE_REDRAWN = 0.3
"""Two clips of one scene fit as well as this at least, however much was edited; a scene encoded twice fits with 0.98."""
_A_HAIR = 1e-3
"""Of the time between two frames: differences of times are not exact."""
_AS_GOOD = 0.95
"""No shift is preferred where it fits nearly as well as the best."""
_FINE_PAIRS = 60
"""Frames compared for each shift in the fine search."""
_ROUGH_CELLS, _FINE_CELLS = 12, 24
"""Cells across and down in the two searches."""

Vector = list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Where the clip after begins on the clock of the clip before."""

    offset_s: float
    """Negative: the clip after begins earlier. 0 where nothing reliable was found."""
    confidence: float
    """0 to 1."""

    @property
    def is_sure(self) -> bool:
        """True when the clips may be shifted without asking."""
        return self.confidence >= SURE


_UNKNOWN = Alignment(offset_s=0.0, confidence=0.0)


def find_alignment(before: Sequence[Moment], after: Sequence[Moment]) -> Alignment:
    """The shift at which both clips move alike, or none where that cannot be told.

    Takes a tenth of a second for clips of ten seconds, half a second for long ones.
    """
    if min(len(before), len(after)) < 2:
        return _UNKNOWN
    step_s = max(_STEP_S, _gap_s(before), _gap_s(after))
    if step_s > _STEP_MAX_S:
        return _UNKNOWN
    rough_s, confidence = _rough_shift(_motions(before, step_s), _motions(after, step_s), step_s)
    if confidence < SURE:
        return Alignment(offset_s=0.0, confidence=confidence)
    offset_s, fit = _fine_shift(before, after, rough_s, step_s)
    return Alignment(offset_s=offset_s, confidence=confidence) if fit > 0 else _UNKNOWN


@dataclass(frozen=True, slots=True)
class _Motion:
    """How each part of the picture changes between two moments."""

    change: Vector
    strength: float
    """The sum of its squares."""


class _Film:
    """The brightness of what is on screen at any time, in so many cells across and down."""

    def __init__(self, moments: Sequence[Moment], cells: int) -> None:
        self.times = [moment.time_s for moment in moments]
        self.gap_s = _gap_s(moments)
        self._moments = moments
        self._reduction = SIDE // cells
        self._levels: dict[int, Vector] = {}

    def at(self, time_s: float) -> Vector:
        # Times are differences of times: a hair before a frame's own time is that frame.
        place = max(bisect_right(self.times, time_s + 1e-5) - 1, 0)
        if place not in self._levels:
            self._levels[place] = _levels(self._moments[place], self._reduction)
        return self._levels[place]

    def between(self, time_s: float) -> Vector:
        """The same as if frames faded into each other.

        A clip that is shown frame by frame is late by half a frame on the average; this one is not.
        """
        place = min(max(bisect_right(self.times, time_s + 1e-5) - 1, 0), len(self.times) - 2)
        earlier_s, later_s = self.times[place : place + 2]
        share = (time_s - earlier_s) / (later_s - earlier_s)
        if share < _A_HAIR:
            return self.at(earlier_s)
        earlier, later = self.at(earlier_s), self.at(later_s)
        return [first + share * (second - first) for first, second in zip(earlier, later, strict=True)]


def _motion(earlier: Vector, later: Vector) -> _Motion:
    change = list(map(sub, later, earlier))
    return _Motion(change, _product(change, change))


def _gap_s(moments: Sequence[Moment]) -> float:
    return (moments[-1].time_s - moments[0].time_s) / (len(moments) - 1)


def _levels(moment: Moment, reduction: int) -> Vector:
    # Imported late: the window is on screen before anything is compared.
    from PIL import Image

    image = Image.frombytes("RGB", (SIDE, SIDE), moment.signature.cells).convert("F").reduce(reduction)
    return list(memoryview(image.tobytes()).cast("f"))


# --- roughly ----------------------------------------------------------------------------------------------------------


def _motions(moments: Sequence[Moment], step_s: float) -> list[_Motion]:
    film = _Film(moments, _ROUGH_CELLS)
    count = int((moments[-1].time_s + 1e-5) / step_s)
    levels = [film.at(step * step_s) for step in range(count + 1)]
    return [_calmed(_motion(earlier, later)) for earlier, later in pairwise(levels)]


def _calmed(motion: _Motion) -> _Motion:
    # A cut or a flash is a hundred times as strong as a movement, and says no more about the time.
    scale = sqrt(sqrt(motion.strength)) or 1.0
    return _Motion([value / scale for value in motion.change], motion.strength / (scale * scale))


def _rough_shift(before: list[_Motion], after: list[_Motion], step_s: float) -> tuple[float, float]:
    """The best shift in seconds, and how far it can be relied on."""
    every = -(-len(before) * len(after) // _COMPARISONS_MAX)
    sought = list(enumerate(after))[:: max(every, 1)]
    least = max(_LEAST_STEPS, round(_LEAST_OVERLAP * min(len(before), len(after))))
    shifts = range(least - len(after), len(before) - least + 1)
    if not shifts or (every > 1 and len(sought) < _LEAST_SOUGHT):
        return 0.0, 0.0
    fits = {shift: _rough_fit(before, sought, shift) for shift in shifts}
    best = max(fits, key=lambda shift: (fits[shift], -abs(shift)))
    rivals = [fit for shift, fit in fits.items() if abs(shift - best) * step_s > _RIVAL_S]
    return best * step_s, _confidence(fits[best], max(rivals)) if rivals else 0.0


def _rough_fit(before: list[_Motion], sought: list[tuple[int, _Motion]], shift: int) -> float:
    pairs = [(before[place + shift], motion) for place, motion in sought if 0 <= place + shift < len(before)]
    return _fit([first for first, _ in pairs], [second for _, second in pairs])


def _confidence(fit: float, rival: float) -> float:
    rival = max(rival, 0.0)
    if fit <= rival:
        return 0.0
    # Either the rival hardly fits, or what does not fit is much more with the rival than with the best.
    lead = max(1 - rival / fit, 1 - (1 - fit) / (1 - rival))
    return min(lead, 1.0) * min(fit / _SCENE_REDRAWN, 1.0)


# --- frame by frame ---------------------------------------------------------------------------------------------------


def _fine_shift(
    before: Sequence[Moment], after: Sequence[Moment], rough_s: float, step_s: float
) -> tuple[float, float]:
    """The best shift in seconds, and how well it fits."""
    films = _Film(before, _FINE_CELLS), _Film(after, _FINE_CELLS)
    reach_s = 1.5 * step_s
    # The same frames for every shift: those that both clips have at each of them.
    start_s = max(rough_s + reach_s, 0.0)
    end_s = min(before[-1].time_s, after[-1].time_s + rough_s - reach_s)
    spans = [span for span in pairwise(films[0].times) if start_s <= span[0] and span[1] <= end_s]
    spans = spans[:: max(1, len(spans) // _FINE_PAIRS)]
    motions = [_motion(films[0].at(start), films[0].at(end)) for start, end in spans]
    fits = {
        shift: _fit(
            motions, [_motion(films[1].between(start - shift), films[1].between(end - shift)) for start, end in spans]
        )
        for shift in _frame_shifts(*films)
        if abs(shift - rough_s) <= reach_s
    }
    best = max(fits, key=lambda shift: fits[shift])
    if fits.get(0.0, -1.0) >= _AS_GOOD * fits[best]:
        best = 0.0
    return best, fits[best]


def _frame_shifts(before: _Film, after: _Film) -> Iterator[float]:
    """The shifts at which the first frame of one clip comes up together with a frame of the other.

    Where the other one was looked at less often, its first frames count as first.
    """
    ratio = before.gap_s / after.gap_s
    yield from (time_s - start_s for start_s in after.times[: max(1, round(ratio))] for time_s in before.times)
    yield from (start_s - time_s for start_s in before.times[: max(1, round(1 / ratio))] for time_s in after.times)


# --- both -------------------------------------------------------------------------------------------------------------


def _fit(before: Sequence[_Motion], after: Sequence[_Motion]) -> float:
    """From -1 to 1: how alike both move."""
    products = [_product(first.change, second.change) for first, second in zip(before, after, strict=True)]
    scale = sqrt(sum(motion.strength for motion in before) * sum(motion.strength for motion in after))
    # A single event that happens to be in both clips proves nothing. A cut is one change, a flash is two.
    return sum(sorted(products)[:-2]) / scale if scale else 0.0


def _product(a: Vector, b: Vector) -> float:
    return float(sum(map(mul, a, b)))
