"""Every planted defect: where it is, what it takes to show, and which promise it breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.torture.kills.harness import Ending

Faults = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One defect."""

    place: str
    """`module:function` in this package."""
    breaks: frozenset[str]
    """The promises of which one at least is seen broken, first of all."""
    endings: tuple[Ending, ...]
    """The shortest way to see it."""
    provider: str = "oxen"
    lag: Faults = ()
    is_of_one: bool = False
    """True: only this service has the kind of answer that shows it."""

    @property
    def name(self) -> str:
        """As people say it."""
        return self.place.partition(":")[2].replace("_", " ")

    @property
    def plant(self) -> str:
        """As the harness wants it."""
        return f"tests.torture.defects.{self.place}"


def _defect(place: str, breaks: str, *endings: Ending, lag: Faults = (), is_of_one: bool = False) -> Planted:
    return Planted(place=place, breaks=frozenset(breaks.split()), endings=endings, lag=lag, is_of_one=is_of_one)


_LOST = {"call": "submit", "kind": "reset_after"}
_NEVER = {"call": "submit", "kind": "reset_before"}
_UNKNOWN = {"call": "poll", "kind": "status", "code": 404, "times": 0}
_ELSEWHERE = {"call": "submit", "kind": "redirect", "code": 307}
_TWO = {"call": "submit", "kind": "two_ids"}
_FEWER = {"call": "submit", "kind": "fewer_ids"}
_EMPTY = {"call": "list", "kind": "list_empty", "times": 0}


def _one(
    point: str = "",
    *faults: Mapping[str, Any],
    nth: int = 1,
    takes: int = 1,
    after_s: float = 30.0,
    is_polite: bool = False,
    wish: str = "wait",
) -> Ending:
    """A life that orders one job and ends at this point; the person is patient, or has this wish."""
    return Ending(point=point, nth=nth, faults=faults, takes=takes, after_s=after_s, is_polite=is_polite, wish=wish)


DEFECTS: tuple[Planted, ...] = (
    _defect("money:send_before_intent", "I4", _one("post: body left")),
    _defect("money:retry_on_timeout", "I3", _one("before commit accepted", _LOST)),
    _defect("money:timeout_is_not_sent", "I2", _one("after commit not_sent", _LOST)),
    _defect(
        "money:restart_to_ready", "I2", _one("post: answer begins"), Ending(point="after open", jobs=0, after_s=30.0)
    ),
    _defect("money:resubmit_on_empty_list", "I1", _one("post: connected", _LOST, nth=2), lag=(_EMPTY,)),
    _defect("money:resubmit_after_404", "I1", _one("before worker probe", _UNKNOWN, nth=2)),
    _defect(
        "money:approval_not_spent",
        "I13",
        _one("after commit ambiguous", _NEVER),
        Ending(point="after commit intent", wish="again", jobs=0, after_s=30.0),
    ),
    _defect("money:double_enqueue", "I1", _one("before worker probe")),
    _defect("money:call_it_failed", "I2", _one("after commit rejected", _LOST)),
    _defect("money:swallow_the_second_id", "I2", _one("after commit good", _TWO), is_of_one=True),
    _defect("money:attach_twice", "I10", _one("after commit good", _FEWER, takes=2), is_of_one=True),
    _defect("money:forget_the_charge", "I16", _one("after commit good")),
    _defect("takes:write_to_the_final_name", "I7", _one("download block")),
    _defect("takes:no_verify", "I7", _one("after commit good", {"call": "result", "kind": "half_file"})),
    _defect("takes:leave_the_part", "I17", _one("after commit remote_ok")),
    _defect("takes:touch_the_source", "I8", _one(is_polite=True, after_s=4.0)),
    _defect(
        "takes:drop_the_card",
        "I12",
        _one("after commit ambiguous", _LOST),
        Ending(after_s=5.0, jobs=0, wish="wait"),
        lag=(_EMPTY,),
    ),
    _defect("takes:never_rest", "I18", _one("", {"call": "poll", "kind": "unknown_status", "times": 0}, after_s=5.0)),
    _defect("keys:key_in_a_file", "I9", _one("post: body left")),
    _defect("keys:follow_redirect_with_key", "I9", _one("after commit ambiguous", _ELSEWHERE)),
)
"""Each is seen in the first lives where it is aimed at, and within 200 kills by chance."""

HARMLESS: tuple[Planted, ...] = (
    _defect("keys:key_in_the_log", "", _one("post: body left")),
    _defect("money:two_tasks_for_one_job", "", _one("after commit good", wish="resume")),
)
"""Defects of which no harm can come, because another layer stands behind: the log's mask, and the journal's own rules."""
