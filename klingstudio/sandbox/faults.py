"""What goes wrong, as data: a list of rules, each for some calls of one kind.

A rule is an object: `call` (one of `CALLS`, or `any`), `kind`, `times` (default 1; 0: for ever), `after` (how many such
calls pass unharmed first), `effect` (whether the call does what it was meant to do before it goes wrong; each
kind has its own default), and what the kind needs besides::

    [{"call": "submit", "kind": "drop_after"},
     {"call": "poll", "kind": "status", "code": 503, "headers": {"Retry-After": "2"}, "times": 3},
     {"call": "submit", "kind": "list_lag", "seconds": 5}]

Of the kinds that spoil the connection or the answer, one is applied to a call; of the others, all that match.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

CALLS = (
    "submit", "authorize", "repo", "upload", "fetch", "poll", "cancel", "list", "charge", "models", "result", "events", "delete",
    "record", "token", "credits", "create", "part", "complete", "initiate", "put",
)  # fmt: skip
"""What a request is for, whatever the dialect. `fetch`: an uploaded file is read; `result`: a finished video is.
`record`: where a service tells of a finished job at another address than of one under way, that address is read.
`token`: what opens a storage is asked for; `credits`: the balance is. `create`, `part`, `complete`: a file goes up in parts.
`initiate`, `put`: a storage hands out a signed address, and takes the bytes there."""


class FaultPlanWrong(Exception):
    """The plan cannot be read. The text says where and why, in one line."""


class Kind(StrEnum):
    """What can go wrong."""

    RESET_BEFORE = "reset_before"
    """TCP reset before anything happened."""
    RESET_AFTER = "reset_after"
    """The call does its work, then TCP reset."""
    DROP_AFTER = "drop_after"
    """The call does its work, then the connection is closed without an answer."""
    HANG = "hang"
    """No answer, ever."""
    STALL = "stall"
    """The body is not read; for `seconds`, or for ever."""
    SLOW = "slow"
    """The answer comes `seconds` late."""
    STATUS = "status"
    """Answer with `code`, `body` and `headers`."""
    HTML = "html"
    """200 and the page of a captive portal."""
    TRUNCATED = "truncated"
    """The connection closes before Content-Length is reached."""
    NOT_JSON = "not_json"
    """200 and a body that claims to be JSON."""
    REDIRECT = "redirect"
    """`code` (default 302) to another host, or to `to`."""
    HALF_FILE = "half_file"
    """The first half of the answer, as if it were all."""
    WRONG_FILE = "wrong_file"
    """An HTML page where a video should be."""
    NO_LENGTH = "no_length"
    """The answer does not say how long it is."""
    CUT_SHORT = "cut_short"
    """The answer does not say how long it is, and ends in the middle: whoever trusts its end takes a half for the whole."""
    DRIP = "drip"
    """The answer comes in twenty pieces, `seconds` apart."""
    GZIP = "gzip"
    """The answer is compressed, although nobody asked for that."""
    NO_ID = "no_id"
    TWO_IDS = "two_ids"
    """One order becomes two jobs."""
    FEWER_IDS = "fewer_ids"
    """The answer shows the first of the jobs that the order became, and not the others."""
    NO_LINK = "no_link"
    """A job has succeeded, and there is no link to what it made."""
    UNKNOWN_STATUS = "unknown_status"
    """A job's status is `word`."""
    EXPIRED_LINK = "expired_link"
    """The link in the answer has expired already; on a `result` call: this link has just expired."""
    OLD_MODEL_GONE = "old_model_gone"
    """The older model id is unknown. Holds for every call, for ever unless `times` says otherwise."""
    LIST_LAG = "list_lag"
    """On `submit`: lists show the job after `seconds` only. On `list`: this list leaves out younger jobs."""
    LIST_EMPTY = "list_empty"
    LIST_BARE = "list_bare"
    """The rows of this list do not show what was ordered."""
    OTHER_ERROR = "other_error"
    """What this call refuses is told in the dialect's other form of an error, where it has two."""
    OTHER_FORM = "other_form"
    """What this call answers comes in the dialect's other documented form, where it has two."""
    RECORD_GONE = "record_gone"
    """What is asked for was there, but is not kept any longer."""
    FAIL_JOB = "fail_job"
    """The job that this submit makes fails with `message`."""


MEANING = frozenset(
    {
        Kind.NO_ID,
        Kind.TWO_IDS,
        Kind.FEWER_IDS,
        Kind.NO_LINK,
        Kind.UNKNOWN_STATUS,
        Kind.EXPIRED_LINK,
        Kind.OLD_MODEL_GONE,
        Kind.LIST_LAG,
        Kind.LIST_EMPTY,
        Kind.LIST_BARE,
        Kind.OTHER_ERROR,
        Kind.OTHER_FORM,
        Kind.RECORD_GONE,
        Kind.FAIL_JOB,
    }
)
"""Kinds that only a dialect can carry out. The others spoil the connection or the answer, whatever it says."""

_WORKS_FIRST = frozenset(
    {
        *(Kind.RESET_AFTER, Kind.DROP_AFTER, Kind.TRUNCATED, Kind.NOT_JSON, Kind.HALF_FILE, Kind.NO_LENGTH),
        *(Kind.CUT_SHORT, Kind.DRIP, Kind.GZIP),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that goes wrong."""

    call: str
    kind: Kind
    times: int = 1
    after: int = 0
    effect: bool = False
    seconds: float | None = None
    code: int | None = None
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    to: str | None = None
    message: str = "Generation failed: content policy violation"
    word: str = "rehearsing"


class FaultPlan:
    """The rules that are still to come."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = list(rules)

    def replace(self, rules: Iterable[Rule]) -> None:
        """Forget the old rules."""
        self.rules = list(rules)

    def take(self, call: str) -> tuple[Rule | None, tuple[Rule, ...]]:
        """What befalls this call: at most one rule that spoils the connection, and those with a meaning."""
        wire: Rule | None = None
        meanings: list[Rule] = []
        left: list[Rule] = []
        for rule in self.rules:
            if (rule.call not in (call, "any") and rule.kind is not Kind.OLD_MODEL_GONE) or (
                wire and rule.kind not in MEANING
            ):
                left.append(rule)
                continue
            if rule.after:
                left.append(replace(rule, after=rule.after - 1))
                continue
            if rule.kind in MEANING:
                meanings.append(rule)
            else:
                wire = rule
            if rule.times != 1:
                left.append(replace(rule, times=max(rule.times - 1, 0)))
        self.rules = left
        return wire, tuple(meanings)


def read_plan(path: Path) -> tuple[Rule, ...]:
    """The rules in a file.

    Raises:
        FaultPlanWrong: it cannot be read, is not JSON, or holds something else than rules.
    """
    try:
        return parse_plan(path.read_bytes())
    except OSError as error:
        raise FaultPlanWrong(f"{path}: {error.strerror}") from error
    except FaultPlanWrong as error:
        raise FaultPlanWrong(f"{path}: {error}") from error


def parse_plan(text: bytes) -> tuple[Rule, ...]:
    """The rules in a JSON text: a list of them, or an object with such a list as `faults`.

    Raises:
        FaultPlanWrong: the text is something else.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FaultPlanWrong(f"not JSON: {error}") from error
    if isinstance(data, dict):
        data = data.get("faults")
    if not isinstance(data, list):
        raise FaultPlanWrong("a list of rules is wanted")
    return tuple(_rule(n, item) for n, item in enumerate(data, 1))


def _rule(n: int, item: Any) -> Rule:
    if not isinstance(item, dict):
        raise FaultPlanWrong(f"rule {n} is not an object")
    values = dict(item)
    try:
        kind = Kind(values.pop("kind", ""))
    except ValueError:
        raise FaultPlanWrong(f"rule {n}: kind must be one of {', '.join(Kind)}") from None
    call = values.pop("call", "any" if kind is Kind.OLD_MODEL_GONE else "")
    if call not in (*CALLS, "any"):
        raise FaultPlanWrong(f"rule {n}: call must be one of {', '.join(CALLS)}, any")
    if isinstance(values.get("body"), dict | list):
        values["body"] = json.dumps(values["body"])
    wanted: dict[str, tuple[type, ...]] = {
        "times": (int,), "after": (int,), "effect": (bool,), "seconds": (int, float), "code": (int,), "body": (str,),
        "headers": (dict,), "to": (str,), "message": (str,), "word": (str,),
    }  # fmt: skip
    for name, value in values.items():
        if name not in wanted:
            raise FaultPlanWrong(f"rule {n}: there is no {name!r}")
        if not isinstance(value, wanted[name]) or (isinstance(value, bool) and name != "effect"):
            raise FaultPlanWrong(f"rule {n}: {name} has the wrong type")
        if isinstance(value, int | float) and value < 0:
            raise FaultPlanWrong(f"rule {n}: {name} must not be negative")
    if not 200 <= values.get("code", 200) <= 599:
        raise FaultPlanWrong(f"rule {n}: code must be between 200 and 599")
    if "headers" in values:
        values["headers"] = {str(name): str(value) for name, value in values["headers"].items()}
    values.setdefault("effect", kind in _WORKS_FIRST)
    values.setdefault("times", 0 if kind is Kind.OLD_MODEL_GONE else 1)
    return Rule(call=call, kind=kind, **values)
