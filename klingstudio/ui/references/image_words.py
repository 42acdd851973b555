"""What is said on the tile of a reference picture, in the few words there is room for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import Kind, Problem
from klingstudio.ui import text
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.references import Picture
from klingstudio.ui.references.image_tile import Face

if TYPE_CHECKING:
    from klingstudio.domain.lint import Finding


def with_remark(face: Face, finding: Finding) -> Face:
    """The same face, saying what was found."""
    if finding.problem is None:
        details = text.caution(finding.caution) if finding.caution is not None else ""
        return replace(face, remark="May be refused", tone="warning", details=details)
    tone = "bad" if finding.weight == "blocks" else "warning"
    return replace(face, remark=short(finding.problem), tone=tone, details=text.passage(finding.problem))


def own_file(picture: Picture) -> str:
    """The person's own file, whatever was made of it."""
    return picture.made.origin if picture.made else picture.place


def size_words(picture: Picture, draft: DraftModel) -> str:
    """`800×600`, and what is special about it."""
    if is_web_address(picture.place):
        return "on the internet"
    if picture.facts is None:
        return "" if picture.problem else "reading…"
    parts = [f"{picture.facts.width_px}×{picture.facts.height_px}"]
    if picture.made is not None:
        parts.append("edited")
    elif draft.provider is not None and picture.facts.format not in draft.provider.limits.image_formats:
        # On the way and by itself, to JPEG, or to PNG where it can be seen through: nothing to worry about.
        parts.append("converted")
    return " · ".join(parts)


def short(problem: Problem) -> str:
    """`This picture is too small` → `Too small`: on the tile it is clear what is meant, and there is little room."""
    match problem.kind:
        case Kind.IMAGE_WRONG_TYPE:
            return "Wrong file type"
        case Kind.IMAGE_BAD_RATIO:
            return "Too narrow"
        case Kind.IMAGE_DUPLICATE:
            return f"Same as {problem.detail}"
        case Kind.TOO_MANY_REFERENCES:
            return "One too many"
        case _:
            words = text.sentence(problem).title
            for start in ("This picture is ", "This picture has ", "This picture "):
                words = words.removeprefix(start)
            return words[:1].upper() + words[1:]
