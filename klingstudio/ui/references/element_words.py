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


@dataclass(frozen=True, slots=True)
class Choose:
    """A file for this place helps."""

    index: int


@dataclass(frozen=True, slots=True)
class Crop:
    """Cropping, padding or another size of this picture helps."""

    index: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Only taking the element away helps."""


Help = Choose | Crop | Remove


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Everything there is to say about one element."""

    remark: str = ""
    """The first thing that is wrong, short."""
    tone: str = ""
    fix: str = ""
    """Label of what helps; empty where it is clear."""
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
        return Said(remark=remark, tone="bad", fix=_label(_help(blocked, subject)), slots=slots)
    caution = next((one.caution for one in found if one.caution is not None), None)
    if caution is not None:
        return Said(remark=text.caution(caution), tone="warning", slots=slots)
    return Said(slots=slots)


def fix_of(number: int, draft: DraftModel) -> Help | None:
    """What helps against the first thing that is wrong with the element."""
    subject = f"element:{number}"
    blocked = _first(draft.findings_at(subject))
    return _help(blocked, subject) if blocked is not None else None


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


def _help(finding: Finding, subject: str) -> Help | None:
    index = _index(finding, subject)
    if not finding.fixes:
        return None
    match finding.fixes[0].value:
        case "add_front" | "replace":
            return Choose(index)
        case "enlarge" | "shrink" | "pad" | "crop":
            return Crop(index)
        case "remove" if finding.problem is not None and finding.problem.kind is not Kind.TOO_MANY_ANGLES:
            return Remove()
        case _:
            return None


def _label(help_: Help | None) -> str:
    match help_:
        case Choose():
            return "Choose…"
        case Crop():
            return "Crop or enlarge…"
        case Remove():
            return "Remove"
        case None:
            return ""


def _whose(name: str) -> str:
    return f"{name}'" if name.endswith(("s", "S")) else f"{name}'s"
