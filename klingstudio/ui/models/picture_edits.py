"""Edits of reference pictures: what is under way, and what becomes of it in the draft."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Kind, Problem, StudioError
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.models.references import Figure, Picture

if TYPE_CHECKING:
    from klingstudio.domain.media import ImageFacts, Limits, PictureEdit
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A picture of the draft that can be edited: an image, or one of an element."""

    reference_id: str
    index: int | None
    """Place in the element, 0 is the front; None for an image."""
    place: str
    """The file as it is used now."""
    origin: str
    """The person's own file."""
    edit: PictureEdit
    """What was done to it so far."""

    @property
    def name(self) -> str:
        return Path(self.origin).name


class PictureEdits(QObject):
    """Each edit is made by a worker from the person's own file, and is one step of undo when it is there."""

    changed = Signal()
    """Something began or ended."""
    measured = Signal(str, object)
    """Path, and `ImageFacts` or the `Problem` with it: the answer to `measure`."""

    def __init__(self, draft: DraftModel, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._problems = draft, problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._under_way: dict[tuple[str, int | None], str] = {}
        """The file that is being replaced, by the place that it is used at."""
        draft.pictures_changed.connect(self._give_up)
        draft.switched.connect(self._give_all_up)

    def attach(self, studio: Studio) -> None:
        """The studio is open."""
        from klingstudio.engine.tasks import TaskOwner

        self._studio, self._tasks = studio, TaskOwner()

    async def aclose(self) -> None:
        """Stop what is under way; the draft stays as it is."""
        if self._tasks is not None:
            await self._tasks.aclose()

    @property
    def limits(self) -> Limits | None:
        """What the chosen provider accepts; None until one is known."""
        return self._draft.provider.limits if self._draft.provider else None

    def is_under_way(self, reference_id: str, index: int | None = None) -> bool:
        """True while the picture is being edited."""
        return (reference_id, index) in self._under_way

    def target(self, reference_id: str, index: int | None = None) -> Target | None:
        """The picture as it can be edited now; None for one that is gone, or on the internet."""
        from klingstudio.domain.media import PictureEdit

        match self._draft.reference(reference_id):
            case Picture() as picture if index is None and not is_web_address(picture.place):
                made = picture.made
                origin, edit = (made.origin, made.edit) if made else (picture.place, PictureEdit())
                return Target(reference_id=reference_id, index=None, place=picture.place, origin=origin, edit=edit)
            case Figure() as figure if index is not None:
                place = (figure.frontal, *figure.angles)[index] if index <= len(figure.angles) else None
                if place is not None and not is_web_address(place.place):
                    place_, edit = place.place, PictureEdit()
                    return Target(reference_id=reference_id, index=index, place=place_, origin=place_, edit=edit)
        return None

    def legal(self, facts: ImageFacts | None) -> PictureEdit | None:
        """The least edit that makes the provider take a picture like this; None where none is needed, or none helps."""
        from klingstudio.domain.picture_edit import legal_edit

        return legal_edit(facts, self.limits) if facts is not None and self.limits is not None else None

    def verdict(self, width_px: int, height_px: int) -> Problem | None:
        """Why the provider would refuse a picture of this size; None where it would not, or none is known."""
        from klingstudio.domain.media import ImageFacts, check_image

        if self.limits is not None:
            try:
                facts = ImageFacts(format="", width_px=width_px, height_px=height_px, size_bytes=0)
                check_image(facts, self.limits, "")
            except InputRefused as error:
                return error.problem
        return None

    def make_legal(self, reference_id: str, index: int | None = None) -> None:
        """Do what `legal` says, on top of what was done before."""
        from klingstudio.domain.picture_edit import also

        target = self.target(reference_id, index)
        legal = self.legal(self._facts(target)) if target else None
        if target is not None and legal is not None:
            self.apply(target, also(target.edit, legal))

    def apply(self, target: Target, edit: PictureEdit) -> None:
        """Use the picture with this edit in place of what was done before. One that changes nothing takes that back."""
        from klingstudio.domain.media import PictureEdit

        if edit == PictureEdit():
            self.cancel(target.reference_id, target.index)
            self._use(target, target.origin, None)
            return
        if self._studio is None or self._tasks is None:
            return
        key = (target.reference_id, target.index)
        self._under_way[key] = target.place
        self._tasks.restart(
            _name(key),
            self._make(self._studio, target, edit),
            on_error=lambda error: self._failed(target, error),
        )
        self.changed.emit()

    def use_original(self, reference_id: str) -> None:
        """Take every edit of the image back."""
        if (target := self.target(reference_id)) is not None:
            self.cancel(reference_id)
            self._use(target, target.origin, None)

    def cancel(self, reference_id: str, index: int | None = None) -> None:
        """Leave the picture as it is."""
        key = (reference_id, index)
        if self._under_way.pop(key, None) is not None and self._tasks is not None:
            self._tasks.cancel(_name(key))
            self.changed.emit()

    def measure(self, path: str) -> None:
        """Look at a file that is not in the draft; `measured` answers."""
        if self._studio is None or self._tasks is None:
            return
        self._tasks.restart(
            f"measure {path}",
            self._measure(self._studio, path),
            on_error=lambda error: self._not_measured(path, error),
        )

    async def _measure(self, studio: Studio, path: str) -> None:
        self.measured.emit(path, await studio.media.image(Path(path)))

    def _not_measured(self, path: str, error: Exception) -> None:
        if isinstance(error, StudioError):
            self.measured.emit(path, error.problem)
        else:
            self._problems.report("measuring a picture", error)
            self.measured.emit(path, Problem(kind=Kind.IMAGE_UNREADABLE))

    async def _make(self, studio: Studio, target: Target, edit: PictureEdit) -> None:
        made = await studio.pictures.make(Path(target.origin), edit)
        self._under_way.pop((target.reference_id, target.index), None)
        self._use(target, str(made), edit)
        self.changed.emit()

    def _failed(self, target: Target, error: Exception) -> None:
        self._under_way.pop((target.reference_id, target.index), None)
        self._problems.report("editing a picture", error)
        self.changed.emit()

    def _use(self, target: Target, place: str, edit: PictureEdit | None) -> None:
        from klingstudio.domain.draft import Made

        if target.index is not None:
            self._draft.replace_slot(target.reference_id, target.index, place)
        else:
            made = Made(origin=target.origin, edit=edit) if edit is not None else None
            self._draft.replace_picture(target.reference_id, Path(place), made)

    def _give_up(self) -> None:
        """A picture that is gone, or another one by now, is not edited any more."""
        for (reference_id, index), place in tuple(self._under_way.items()):
            target = self.target(reference_id, index)
            if target is None or target.place != place:
                self.cancel(reference_id, index)

    def _give_all_up(self) -> None:
        """Another draft is shown; a copy of the one before has the same pictures under the same ids."""
        for reference_id, index in tuple(self._under_way):
            self.cancel(reference_id, index)

    def _facts(self, target: Target) -> ImageFacts | None:
        match self._draft.reference(target.reference_id):
            case Picture() as picture:
                return picture.facts
            case Figure() as figure if target.index is not None:
                slot = (figure.frontal, *figure.angles)[target.index]
                return slot.facts if slot else None
        return None


def _name(key: tuple[str, int | None]) -> str:
    return f"edit {key[0]} {key[1]}"
