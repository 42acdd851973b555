"""What helps against what is wrong with a picture, as words and act: the same for an image and in an element."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klingstudio.ui.models.picture_edits import PictureEdits

if TYPE_CHECKING:
    from klingstudio.domain.lint import Fix
    from klingstudio.domain.media import ImageFacts

Act = tuple[str, Callable[[], None]]
"""The words of a button, and what it does."""

MADE_HERE = frozenset({"Add bars", "Enlarge", "Make smaller"})
"""Words of those that need no further question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A picture of the draft, and the ways to another one in its place."""

    reference_id: str
    index: int | None
    """Place in the element, 0 is the front; None for an image."""
    facts: ImageFacts | None
    crop: Callable[[], None]
    replace: Callable[[], None]
    remove: Callable[[], None]


def acts_for(fixes: Iterable[Fix], spot: Spot, edits: PictureEdits) -> list[Act]:
    """What of `fixes` can be done with this picture, the best one first; while it is edited, to stop that."""
    if edits.is_under_way(spot.reference_id, spot.index):
        return [("Cancel", lambda: edits.cancel(spot.reference_id, spot.index))]
    acts = (_act(fix, spot, edits) for fix in fixes)
    return [act for act in acts if act is not None]


def _act(fix: Fix, spot: Spot, edits: PictureEdits) -> Act | None:
    match fix.value:
        case "enlarge" | "pad" | "shrink":
            legal = edits.legal(spot.facts)
            if legal is None:
                return None
            words = "Add bars" if legal.pad_ratio else "Enlarge" if legal.least_px else "Make smaller"
            return words, lambda: edits.make_legal(spot.reference_id, spot.index)
        case "crop":
            return "Crop…", spot.crop
        case "replace":
            return "Replace…", spot.replace
        case "remove":
            return "Remove", spot.remove
        case _:
            return None
