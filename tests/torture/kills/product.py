"""No chance: forty named points, each with every one of twelve reply faults, and every other point at least once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klingstudio.providers.registry import SERVICES
from tests.torture.kills.harness import LIVES_MOST, Ending, Faults
from tests.torture.kills.points import POINTS

FAULTS: Mapping[str, Mapping[str, Any]] = {
    "reset before": {"call": "submit", "kind": "reset_before"},
    "reset after": {"call": "submit", "kind": "reset_after"},
    "no answer": {"call": "submit", "kind": "drop_after"},
    "hangs": {"call": "submit", "kind": "hang", "effect": True},
    "cut answer": {"call": "submit", "kind": "truncated"},
    "portal": {"call": "submit", "kind": "html", "effect": True},
    "502": {"call": "submit", "kind": "status", "code": 502, "effect": True},
    "429": {"call": "submit", "kind": "status", "code": 429, "headers": {"Retry-After": "1"}},
    "two ids": {"call": "submit", "kind": "two_ids"},
    "poll 404": {"call": "poll", "kind": "status", "code": 404, "times": 3},
    "cut result": {"call": "result", "kind": "truncated"},
    "wrong result": {"call": "result", "kind": "wrong_file"},
}
"""Twelve ways in which an answer goes wrong."""

AIMED = (
    *(f"{stage} commit {move}" for move in ("create", "uploaded", "remote_ok", "good") for stage in ("in", "after")),
    *(f"{stage} commit {move}" for move in ("intent", "accepted") for stage in ("before", "in", "after")),
    "post: connected", "post: head leaves", "post: head left", "post: body left", "post: answer begins",
    "post: answer read", "before order", "after order", "before call upload", "after call upload", "upload block",
    "before call poll", "after call poll", "after open", "download begun", "download block", "after fsync part",
    "before unlink mark", "before worker verify", "after worker verify", "before link take", "after link take",
    "before unlink part", "before fsync folder", "after commit download", "after commit bytes_done",
)  # fmt: skip
"""Forty points on the way of every job."""

FITTING = (
    "before worker fit", "after worker fit", "before write fit", "after write fit", "before link clip",
    "after link clip", "before unlink clip", "after unlink clip",
)  # fmt: skip
"""In this order: a clip is fitted once."""
CRASHES = ("before commit crash", "in commit crash", "after commit crash")
"""In this order, after a life that was killed while somebody was at work on a job."""

BROKEN = {"call": "submit", "kind": "reset_after", "times": 0}
EMPTY: Faults = ({"call": "list", "kind": "list_empty", "times": 0},)
WAYS: Mapping[str, tuple[Faults, str]] = {
    "ambiguous": ((BROKEN,), ""),
    "found": ((BROKEN,), "wait"),
    "find": ((BROKEN,), "wait"),
    "not_sent": (({"call": "submit", "kind": "status", "code": 429, "times": 0},), "wait"),
    "rejected": (({"call": "submit", "kind": "status", "code": 422, "times": 0},), "wait"),
    "user_resubmit": ((BROKEN, *EMPTY), "again"),
    "asset_expired": ((BROKEN, *EMPTY), "again"),
    "user_abandon": ((BROKEN, *EMPTY), "drop"),
    "stop": ((), "stop"),
    "upload_failed": (({"call": "upload", "kind": "status", "code": 500, "times": 0},
                       {"call": "initiate", "kind": "status", "code": 500, "times": 0},
                       {"call": "token", "kind": "status", "code": 500, "times": 0}), "wait"),
    "remote_failed": (({"call": "submit", "kind": "fail_job", "times": 0},), "wait"),
    "remote_cancelled": (({"call": "poll", "kind": "unknown_status", "times": 3},), "cancel"),
}  # fmt: skip
"""Faults, and the person's wish, that lead to a point which is not on every job's way, by its last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run of the product."""

    name: str
    provider: str
    endings: tuple[Ending, ...]
    lag: Faults = ()
    clip: int = 0
    """Which of the ward's clips: the second one has to be fitted."""


def cases(providers: tuple[str, ...]) -> Iterator[Case]:
    """The whole product; the services take turns."""
    turn = itertools.cycle(providers)
    for (name, fault), part in itertools.product(FAULTS.items(), _parts(AIMED)):
        endings = tuple(Ending(point=point, faults=(fault,), fresh=1, wish="on") for point in part)
        yield Case(name=name, provider=next(turn), endings=endings)
    for part in _parts(tuple(point for point in POINTS if point not in {*AIMED, *FITTING, *CRASHES})):
        yield Case(name="the other points", provider=_able(part, turn), endings=tuple(_towards(p) for p in part))
    yield Case(name="a clip that is fitted", provider=next(turn), endings=tuple(_towards(p) for p in FITTING), clip=1)
    before = Ending(point="after commit download", fresh=1, wish="on")
    crashes = tuple(_towards(point) for point in CRASHES)
    yield Case(name="the start after a kill", provider=next(turn), endings=(before, *crashes))


def _able(points: tuple[str, ...], turn: Iterator[str]) -> str:
    """The next service, or one that can be told to stop an edit where a point needs that."""
    chosen = next(turn)
    is_cancelled = any(point.endswith("remote_cancelled") for point in points)
    return next(e.info.id for e in SERVICES if e.info.can_cancel) if is_cancelled else chosen


def _towards(point: str) -> Ending:
    faults, wish = WAYS.get(point.rsplit(" ", 1)[-1], ((), "on"))
    is_polite = point.endswith(" close")
    after_points = 60 if is_polite else 0
    return Ending(point=point, faults=faults, wish=wish, fresh=1, is_polite=is_polite, after_points=after_points)


def _parts(points: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A run has only so many lives."""
    size = LIVES_MOST - 5
    for start in range(0, len(points), size):
        yield points[start : start + size]
