"""How an element of the draft looks on its tile, and what helps where something is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QPixmap

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import Kind
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.library import Kept, LibraryModel
from klingstudio.ui.models.picture_edits import PictureEdits
from klingstudio.ui.models.references import Figure, Slot
from klingstudio.ui.references.element_tile import Face, SlotFace
from klingstudio.ui.references.element_words import WHOLE, Said, finding_at, said_of
from klingstudio.ui.references.picture_fixes import MADE_HERE, Act, Spot, acts_for
from klingstudio.ui.widgets.thumbnails import KeptThumbnails

if TYPE_CHECKING:
    from klingstudio.domain.lint import Finding


class ElementFaces:
    """Brings together what the draft, the library and the edits under way say of an element."""

    def __init__(
        self,
        draft: DraftModel,
        library: LibraryModel,
        edits: PictureEdits,
        spot: Callable[[Figure, int, Slot | None], Spot],
        thumbs: KeptThumbnails,
    ) -> None:
        """`spot`: one picture of an element, with the ways to another one."""
        self._draft, self._library, self._edits = draft, library, edits
        self._spot, self._thumbs = spot, thumbs

    def face(self, number: int, count: int, figure: Figure) -> Face:
        """What its tile shows now."""
        said = said_of(number, self._draft)
        slots = [self._slot(number, figure, index, said) for index in range(1 + len(figure.angles))]
        if len(figure.angles) < self._draft.angles_max:
            hint = "Click to choose a picture of another side, or drop one here"
            slots.append(SlotFace(name="", picture=None, remark=hint))
        kept = self._library.kept(figure.id)
        can_be_saved = figure.frontal is not None and kept is not Kept.SAME
        edited = next((n for n in range(len(slots)) if self._edits.is_under_way(figure.id, n)), None)
        if edited is not None:
            said = replace(said, remark="Editing…", tone="secondary", index=edited)
        return Face(
            number=number,
            name=figure.name,
            parts=figure.parts,
            slots=tuple(slots),
            remark=said.remark,
            tone=said.tone,
            fixes=tuple(words for words, _ in self.acts(number, figure, said.index)),
            fixes_at=said.index,
            note="Changed" if kept is Kept.CHANGED else "",
            save="" if not can_be_saved else "Update library" if kept is Kept.CHANGED else "Save to library",
            is_first=number == 1,
            is_last=number == count,
        )

    def acts(self, number: int, figure: Figure, index: int) -> list[Act]:
        """What helps against what is wrong with one picture of it, or with the element as a whole."""
        if index == WHOLE:
            said = said_of(number, self._draft)
            return self._acts_on_whole(figure, said.finding) if said.finding and said.index == WHOLE else []
        finding = finding_at(number, index, self._draft)
        slot = (figure.frontal, *figure.angles)[index] if index <= len(figure.angles) else None
        return acts_for(finding.fixes if finding else (), self._spot(figure, index, slot), self._edits)

    def _acts_on_whole(self, figure: Figure, finding: Finding) -> list[Act]:
        last = len(figure.angles)
        if finding.problem is not None and finding.problem.kind is Kind.TOO_MANY_ANGLES:
            return [(f"Remove angle {last}", lambda: self._draft.remove_slot(figure.id, last))]
        match finding.fixes[0].value if finding.fixes else "":
            case "add_front":
                return [("Choose…", self._spot(figure, 0, None).replace)]
            case "remove":
                return [("Remove", lambda: self._draft.remove_reference(figure.id))]
            case _:
                return []

    def _slot(self, number: int, figure: Figure, index: int, said: Said) -> SlotFace:
        slot = (figure.frontal, *figure.angles)[index]
        if slot is None:
            hint = "Click to choose the front picture, or drop it here"
            return SlotFace(name="", picture=None, remark=hint, tone="bad")
        picture = thumb(slot, self._thumbs)
        if self._edits.is_under_way(figure.id, index):
            return SlotFace(name=slot.name, picture=picture, remark="Editing…", fixes=("Cancel",))
        remark = said.slots.get(index, "")
        acts = self.acts(number, figure, index) if remark else []
        return SlotFace(
            name=slot.name,
            picture=picture,
            remark=remark,
            tone="bad" if remark else "",
            fixes=tuple(words for words, _ in acts if words in MADE_HERE),
        )


def thumb(slot: Slot, thumbs: KeptThumbnails) -> QPixmap | None:
    """The small picture; None until it was read, and for one on the internet."""
    # Not before the file was measured: one that would eat all memory has been refused by then.
    if slot.facts is None or is_web_address(slot.place):
        return None
    return thumbs.of(slot.place, slot.facts.sha256)
