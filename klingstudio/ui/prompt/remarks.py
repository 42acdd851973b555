"""One line under the text: what is wrong with it or forgotten, and the buttons that help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from klingstudio.domain.errors import Kind
from klingstudio.domain.prompt import Token, TokenKind, flat, section, splice
from klingstudio.ui import text, theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.prompt.edit import PromptEdit
from klingstudio.ui.prompt.faces import Face, Faces
from klingstudio.ui.widgets.icons import Button, IconLabel
from klingstudio.ui.widgets.labels import ElidedLabel, announce, set_role

if TYPE_CHECKING:
    from klingstudio.domain.lint import Finding

Act = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence and what can be done about it."""

    words: str
    tone: str
    """Role of the label: `warning`, `bad` or `secondary`."""
    acts: Sequence[tuple[str, Act]] = ()


class RemarkLine(QWidget):
    """Hidden while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = IconLabel("info", "secondary", 14)
        self._words = ElidedLabel(role="secondary", parent=self)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(theme.px(2), 0, theme.px(2), 0)
        self._row.setSpacing(theme.px(6))
        self._row.addWidget(self._icon)
        self._row.addWidget(self._words, stretch=1)
        self._buttons: list[Button] = []
        self._now: Remark | None = None
        self.hide()

    @property
    def words(self) -> str:
        """What is said; empty while hidden."""
        return self._now.words if self._now is not None else ""

    @property
    def buttons(self) -> list[Button]:
        return self._buttons

    def say(self, remark: Remark | None) -> None:
        """Show this, or nothing."""
        before, self._now = self._now, remark
        if remark is None:
            self.hide()
            return
        if before is None or [name for name, _ in before.acts] != [name for name, _ in remark.acts]:
            self._set_buttons([name for name, _ in remark.acts])
        if before is None or before.words != remark.words:
            self._words.setText(remark.words)
            self.setAccessibleName(remark.words)
            self._icon.show_icon("info" if remark.tone == "secondary" else "triangle-alert", remark.tone)
            set_role(self._words, "role", remark.tone)
            announce(self, remark.words)
        self.show()

    def _set_buttons(self, names: Sequence[str]) -> None:
        for old in self._buttons:
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._buttons = [Button(name, self, kind="link") for name in names]
        for button in self._buttons:
            button.clicked.connect(self._on_button)
            self._row.addWidget(button)

    def _on_button(self) -> None:
        sender = self.sender()
        if self._now is not None and isinstance(sender, Button):
            does = dict(self._now.acts).get(sender.text())
            if does is not None:
                does()


class Remarks:
    """Picks what matters most among the findings at the prompt."""

    def __init__(self, draft: DraftModel, faces: Faces, edit: PromptEdit, add_image: Act) -> None:
        self._draft = draft
        self._faces = faces
        self._edit = edit
        self._add_image = add_image

    def remark(self) -> Remark | None:
        """The one thing to say; None where all is well."""
        found = self._draft.findings
        for finding in found:
            if finding.problem is None or not finding.subject.startswith("prompt"):
                continue
            match finding.problem.kind:
                case Kind.TOKEN_WITHOUT_REFERENCE:
                    return self._dangling(finding)
                case Kind.PROMPT_EMPTY:
                    # An empty field says so by its placeholder; the button tells the rest.
                    pass
                case _:
                    return Remark(text.reason(finding.problem), "bad")
        unused = [face for id_ in self._draft.value.unused if (face := self._faces.with_id(id_)) is not None]
        return self._unused(unused) if unused and self._draft.prompt.strip() else None

    def _dangling(self, finding: Finding) -> Remark:
        start, end = span_of(finding)
        what = section(self._draft.words, start, end)
        if what and isinstance(what[0], Token):
            gone = self._faces.of(what[0])
            name = gone.name or f"an {gone.token.kind.lower()}"
            words = f"The text still points at {name}, which was removed"
        else:
            words = f"{flat(what)} points at nothing"
        acts: list[tuple[str, Act]] = [("Remove", lambda: self._put_over(start, end, None))]
        if (instead := self._instead()) is not None:
            acts.append((f"Replace with {instead.title}", lambda: self._put_over(start, end, instead)))
        if self._draft.room_for(1):
            acts.append(("Add image…", self._add_image))
        return Remark(words, "warning", acts)

    def _instead(self) -> Face | None:
        """What was probably meant: something that the text does not mention yet, else the first."""
        unused = self._draft.value.unused
        faces = [face for face in self._faces.every() if face.token.kind is not TokenKind.VIDEO]
        return next((face for face in faces if face.token.reference_id in unused), faces[0] if faces else None)

    def _put_over(self, start: int, end: int, face: Face | None) -> None:
        words = self._draft.words
        if face is None:
            around = flat(words)
            # Of two spaces one is left.
            end += 1 if around[:start].endswith((" ", "\n")) and around[end:].startswith(" ") else 0
            self._draft.replace_words(splice(words, start, end, ()), "remove the token")
        else:
            self._draft.replace_words(splice(words, start, end, (face.token,)), f"point at {face.title}")

    def _unused(self, unused: Sequence[Face]) -> Remark:
        titles = [face.title for face in unused]
        names = titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"
        words = f"{names} {'is' if len(titles) == 1 else 'are'} not mentioned"
        name = "Insert" if len(titles) == 1 else "Insert both" if len(titles) == 2 else "Insert all"
        return Remark(words, "secondary", [(name, lambda: self._append(unused))])

    def _append(self, unused: Sequence[Face]) -> None:
        parts: list[str | Token] = []
        for face in unused:
            parts += [*([" "] if parts else []), face.token]
        self._draft.append_words(parts, f"insert {unused[0].title}" if len(unused) == 1 else "insert references")


def span_of(finding: Finding) -> tuple[int, int]:
    """From and to in `flat`, of a finding about a part of the prompt."""
    start, _, end = finding.subject.removeprefix("prompt:").partition("-")
    return int(start), int(end)
