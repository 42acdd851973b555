"""What is said about an element on its tile, and what a drop on it would do. No control here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klingstudio.domain.errors import Kind, Problem
from klingstudio.ui import text
from klingstudio.ui.models.draft import DraftModel

if TYPE_CHECKING:
    from klingstudio.domain.lint import Finding

_SHORT: Mapping[Kind, str] = {
    Kind.FRONT_MISSING: "Needs a front picture",
    Kind.TOO_MANY_REFERENCES: "One reference too many",
    Kind.TOO_MANY_ANGLES: "Too many angles",
    Kind.IMAGE_WRONG_TYPE: "not a JPEG, PNG or WebP",
    Kind.IMAGE_BAD_RATIO: "too narrow",
}
_STARTS = ("This picture file is ", "This picture is ", "This picture has ", "This picture ")


WHOLE = -1
"""Instead of the place of a picture: the element itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Everything there is to say about one element."""

    remark: str = ""
    """The first thing that is wrong, short."""
    tone: str = ""
    finding: Finding | None = None
    """What stops Generate first."""
    index: int = WHOLE
    """The picture that it is about."""
    slots: Mapping[int, str]
    """What is wrong with single pictures, in full, by their place."""


def said_of(number: int, draft: DraftModel) -> Said:
    """What is wrong with the element of this number."""
    subject = f"element:{number}"
    found = draft.findings_at(subject)
    slots = {
        _index(one, subject): text.passage(one.problem)
        for one in found
        if one.problem is not None and one.subject != subject
    }
    blocked = _first(found)
    if blocked is not None and blocked.problem is not None:
        remark = _remark(blocked.problem, _index(blocked, subject), is_slot=blocked.subject != subject)
        index = _index(blocked, subject) if blocked.subject != subject else WHOLE
        return Said(remark=remark, tone="bad", finding=blocked, index=index, slots=slots)
    caution = next((one.caution for one in found if one.caution is not None), None)
    if caution is not None:
        return Said(remark=text.caution(caution), tone="warning", slots=slots)
    return Said(slots=slots)


def finding_at(number: int, index: int, draft: DraftModel) -> Finding | None:
    """What stops Generate at one picture of the element."""
    return _first(draft.findings_at(f"element:{number}:{index}"))


def verb(name: str, index: int, *, is_filled: bool, is_new: bool, count: int) -> str:
    """What a drop of `count` pictures on a place of an element does."""
    if is_new:
        return "New element" if count < 2 else f"New element of {count} pictures"
    if index == 0:
        return f"Use as {_whose(name)} front"
    if is_filled:
        return f"Replace angle {index} of {name}"
    return f"Add angle to {name}" if count < 2 else f"Add {count} angles to {name}"


def _first(found: tuple[Finding, ...]) -> Finding | None:
    return next((one for one in found if one.weight == "blocks"), None)


def _index(finding: Finding, subject: str) -> int:
    rest = finding.subject.removeprefix(subject).removeprefix(":")
    return int(rest) if rest else 0


def _remark(problem: Problem, index: int, *, is_slot: bool) -> str:
    if problem.kind is Kind.NOT_SUPPORTED:
        return problem.detail
    words = _SHORT.get(problem.kind) or text.sentence(problem).title
    if not is_slot:
        return words
    for start in _STARTS:
        words = words.removeprefix(start)
    return f"{'Front' if index == 0 else f'Angle {index}'}: {words}"


def _whose(name: str) -> str:
    return f"{name}'" if name.endswith(("s", "S")) else f"{name}'s"
