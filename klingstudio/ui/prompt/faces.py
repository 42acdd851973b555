"""How each reference looks and what it is called wherever the prompt shows it: in a chip, in the list, in a menu."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from klingstudio.domain.prompt import CLIP_ID, Token, TokenKind
from klingstudio.ui import theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.widgets.picture import picture_from
from klingstudio.ui.widgets.thumbnails import Thumbnails

_ICONS = {TokenKind.IMAGE: "image", TokenKind.ELEMENT: "user-round", TokenKind.VIDEO: "film"}


@dataclass(frozen=True, slots=True)
class Face:
    """One reference as it stands now."""

    token: Token
    number: int | None
    """None: it was removed."""
    name: str
    """Empty where it was never known."""
    picture: QPixmap | None

    @property
    def label(self) -> str:
        """What a chip says: `2 beach.jpg`."""
        return " ".join(part for part in (str(self.number or "?"), self.name) if part)

    @property
    def title(self) -> str:
        """What it is without its name: `Image 2`."""
        return f"{self.token.kind} {self.number}" if self.number else f"Removed {self.token.kind.lower()}"

    @property
    def words(self) -> str:
        """The whole as a person says it: `Image 2, beach.jpg`."""
        return f"{self.title}, {self.name}" if self.name else self.title

    @property
    def icon(self) -> str:
        """What stands where there is no picture."""
        return _ICONS[self.token.kind] if self.number else "circle-question-mark"

    def colour(self, t: theme.Tokens) -> str:
        """Images, elements and the clip have a colour each; what was removed has that of a warning."""
        if self.number is None:
            return t.warning
        match self.token.kind:
            case TokenKind.IMAGE:
                return t.image
            case TokenKind.ELEMENT:
                return t.element
            case TokenKind.VIDEO:
                return t.secondary


class Faces(QObject):
    """Follows the draft. Pictures are read on a thread when they are first wanted."""

    changed = Signal()

    def __init__(self, draft: DraftModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._now: dict[Token, Face] | None = None
        self._names: dict[str, str] = {}
        self._pictures: dict[str, QPixmap | None] = {}
        self._thumbnails: Thumbnails | None = None
        for signal in (draft.pictures_changed, draft.source_changed, draft.switched):
            signal.connect(self._forget)

    def every(self) -> tuple[Face, ...]:
        """All that can be pointed at: images, elements, and the clip last."""
        return tuple(self._known().values())

    def of(self, token: Token) -> Face:
        """The face of this token, also of one whose reference was removed."""
        there = self._known().get(token)
        if there is None and token.reference_id == CLIP_ID:
            return Face(token, 1, "", None)
        return there or Face(token, None, self._names.get(token.reference_id, ""), None)

    def with_id(self, reference_id: str) -> Face | None:
        """The face of the reference with this id; None where there is none."""
        return next((face for face in self.every() if face.token.reference_id == reference_id), None)

    def detach(self) -> None:
        """Wait for what is being read; the program ends."""
        if self._thumbnails is not None:
            self._thumbnails.wait()

    def _known(self) -> dict[Token, Face]:
        if self._now is None:
            made = [*self._images(), *self._elements(), *self._clip()]
            self._now = {face.token: face for face in made}
            self._names |= {face.token.reference_id: face.name for face in made}
        return self._now

    def _images(self) -> list[Face]:
        return [
            Face(Token(TokenKind.IMAGE, one.id), n, one.name, self._picture(one.place, one.facts is not None))
            for n, one in enumerate(self._draft.pictures, 1)
        ]

    def _elements(self) -> list[Face]:
        return [
            Face(
                Token(TokenKind.ELEMENT, one.id),
                n,
                one.name,
                self._picture(one.frontal.place, one.frontal.facts is not None) if one.frontal else None,
            )
            for n, one in enumerate(self._draft.figures, 1)
        ]

    def _clip(self) -> list[Face]:
        source = self._draft.source
        if source is None:
            return []
        return [Face(Token(TokenKind.VIDEO, CLIP_ID), 1, Path(source.path).name, picture_from(source.poster))]

    def _picture(self, place: str, can_be_read: bool) -> QPixmap | None:
        if can_be_read and place not in self._pictures:
            self._pictures[place] = None
            if self._thumbnails is None:
                self._thumbnails = Thumbnails(self)
                self._thumbnails.ready.connect(self._on_picture)
            self._thumbnails.want(place)
        return self._pictures.get(place)

    def _on_picture(self, place: str, picture: QImage) -> None:
        if not picture.isNull():
            self._pictures[place] = QPixmap.fromImage(picture)
            self._forget()

    def _forget(self) -> None:
        self._now = None
        self.changed.emit()
