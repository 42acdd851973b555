"""The prompt of the draft: the field, what there is to say about it, clauses and snippets, and the counter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QSizePolicy, QTextEdit, QVBoxLayout, QWidget

from klingstudio.domain.prompt import Prompt, flat, normal, parse, section
from klingstudio.ui import theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.phrases import CLAUSES, Phrase, PhrasesModel
from klingstudio.ui.prompt.document import unit_at
from klingstudio.ui.prompt.edit import PromptEdit
from klingstudio.ui.prompt.faces import Faces
from klingstudio.ui.prompt.phrase_row import PhraseRow
from klingstudio.ui.prompt.remarks import Remark, RemarkLine, Remarks, span_of
from klingstudio.ui.prompt.units import to_units
from klingstudio.ui.widgets.labels import label, plain_tip, set_role

if TYPE_CHECKING:
    from klingstudio.ui.prompt.menus import PromptMenus

_NEARLY = 0.9
_MARKS_MOST = 30
"""For each of them Qt measures every chip anew whenever it paints."""
_STOPS = (".", "!", "?", "…", ":", ";", ",", "。", "！", "？")


class _Ground(QFrame):
    """The ground of the prompt: all of it looks like the field, so a press on its margin must not be lost."""

    pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.IBeamCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit()
        else:
            super().mousePressEvent(event)


class PromptPanel(QWidget):
    """Everything about the words of the draft."""

    add_images_wanted = Signal()
    """The text points at a picture that is not there."""

    def __init__(
        self,
        draft: DraftModel,
        phrases: PhrasesModel,
        earlier: Callable[[], Sequence[str]],
        parent: QWidget | None = None,
    ) -> None:
        """`earlier`: the prompts of earlier jobs, newest first."""
        super().__init__(parent)
        self._draft = draft
        self._phrases = phrases
        self._refusal: tuple[str, Prompt] | None = None
        self._dialogs: dict[str, QDialog] = {}
        self.faces = Faces(draft, self)
        self._ground = _Ground(self)
        self._ground.setObjectName("promptField")
        self.edit = PromptEdit(draft, self.faces, earlier, self._ground)
        self.edit.setObjectName("prompt")
        self._menus: PromptMenus | None = None
        self._remarks = Remarks(draft, self.faces, self.edit, self.add_images_wanted.emit)
        self.remark = RemarkLine(self._ground)
        self.remark.setCursor(Qt.CursorShape.ArrowCursor)
        self.row = PhraseRow(phrases, self._ground)
        self.row.setCursor(Qt.CursorShape.ArrowCursor)
        self.count = label(role="faint", parent=self._ground)
        self.count.setFont(theme.tabular(self.count.font()))
        self.count.setAccessibleName("Characters used")
        self._build()

        self.edit.focus_changed.connect(self._on_focus)
        # Places move once more where a written number becomes a chip.
        self.edit.textChanged.connect(self._underline)
        self.edit.refused.connect(self._on_refused)
        self.edit.menu_wanted.connect(self._open_menu)
        self.edit.card_wanted.connect(self._show_card)
        self.row.wanted.connect(self._use_phrase)
        self.row.save_wanted.connect(lambda: self._open_save(self.edit.chosen_text()))
        self.row.manage_wanted.connect(self._open_snippets)
        self.faces.changed.connect(self._refresh)
        phrases.changed.connect(self._refresh)
        draft.changed.connect(self._refresh)
        self._refresh()

    def _build(self) -> None:
        foot = QHBoxLayout()
        foot.setSpacing(theme.px(theme.BETWEEN))
        foot.setContentsMargins(theme.px(2), 0, theme.px(2), 0)
        foot.addWidget(self.row, stretch=1)
        foot.addWidget(self.count)
        inside = QVBoxLayout(self._ground)
        inside.setContentsMargins(*(theme.px(n) for n in (12, 8, 12, 8)))
        inside.setSpacing(theme.px(theme.GAP))
        inside.addWidget(self.edit, stretch=1)
        inside.addWidget(self.remark)
        inside.addLayout(foot)
        self._ground.pressed.connect(self._write_at_end)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._ground)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    # acts

    def insert_reference(self, reference_id: str) -> None:
        """Point at this image or element where the caret is."""
        self.edit.insert_reference(reference_id)

    def detach(self) -> None:
        """Wait for pictures that are being read, and close what is open; the program ends."""
        self.faces.detach()
        for dialog in self._dialogs.values():
            dialog.close()

    def _use_phrase(self, phrase: Phrase) -> None:
        """Insert it, or select it where it is in the text already."""
        found = self._find(phrase)
        words = self._draft.words
        if found is not None:
            self.edit.select_span(unit_at(words, found[0]), unit_at(words, found[1]))
        elif phrase in CLAUSES:
            self._draft.replace_words(_with_sentence(words, phrase.text), f"insert “{phrase.name}”")
            self.edit.moveCursor(QTextCursor.MoveOperation.End)
            self.edit.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.edit.insert_text(phrase.text, f"insert “{phrase.name}”")

    def _find(self, phrase: Phrase) -> tuple[int, int] | None:
        """Where the text of a phrase stands in the prompt, as positions in `flat`."""
        value = self._draft.value
        parts = parse(phrase.text, [one.id for one in value.images], [one.id for one in value.elements])
        wanted, words = flat(parts), value.prompt
        at = flat(words).find(wanted)
        return (at, at + len(wanted)) if at >= 0 and section(words, at, at + len(wanted)) == parts else None

    def _write_at_end(self) -> None:
        self.edit.moveCursor(QTextCursor.MoveOperation.End)
        self.edit.setFocus(Qt.FocusReason.MouseFocusReason)

    # menus and dialogs: made when they are wanted, for the window is shown before that

    @property
    def menus(self) -> PromptMenus:
        """The menus of the text and its chips."""
        if self._menus is None:
            from klingstudio.ui.prompt.menus import PromptMenus

            self._menus = PromptMenus(self.edit, self.faces, self._draft)
            self._menus.save_wanted.connect(self._open_save)
            self._menus.add_wanted.connect(self.add_images_wanted)
        return self._menus

    def _open_menu(self, place: int | None, at: QPoint) -> None:
        self.menus.open(place, at)

    def _show_card(self, place: int | None) -> None:
        if place is not None or self._menus is not None:
            self.menus.show_card(place)

    def _open_save(self, text: str) -> None:
        from klingstudio.ui.prompt.snippets import SaveDialog

        if text.strip():
            self._show("save", SaveDialog(self._phrases, text, self.window()))

    def _open_snippets(self) -> None:
        from klingstudio.ui.prompt.snippets import SnippetsDialog

        dialog = SnippetsDialog(self._phrases, self.window())
        dialog.insert_wanted.connect(self._use_phrase)
        self._show("snippets", dialog)

    def _show(self, name: str, dialog: QDialog) -> None:
        old = self._dialogs.pop(name, None)
        if old is not None:
            old.close()
            old.deleteLater()
        self._dialogs[name] = dialog
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    # what changes

    def _on_focus(self, has_it: bool) -> None:
        set_role(self._ground, "writing", "true" if has_it else "false")

    def _on_refused(self, sentence: str) -> None:
        self._refusal = (sentence, self._draft.words)
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._underline()

    def _refresh(self) -> None:
        used, most = len(self._draft.prompt), self._draft.prompt_max
        self.count.setText(f"{used} / {most}")
        set_role(self.count, "role", "bad" if used > most else "warning" if used > most * _NEARLY else "faint")
        self.count.setToolTip(plain_tip(f"What is sent:\n{self._draft.prompt}") if used else "")
        self.edit.setAccessibleDescription(self.edit.spoken() or "What should change in the video")
        # Said until something else is written.
        is_refused = self._refusal is not None and self._refusal[1] == self._draft.words
        remark = Remark(self._refusal[0], "warning") if self._refusal and is_refused else self._remarks.remark()
        self.remark.say(remark)
        self.edit.set_lines(2 if remark is not None else 3)
        used_phrases = (one.name for one in (*CLAUSES, *self._phrases.snippets) if self._find(one) is not None)
        self.row.show_used(frozenset(used_phrases))
        self._underline()

    def _underline(self) -> None:
        """A wave under every written number that points at nothing."""
        text = flat(self._draft.words)
        found = [span_of(one) for one in self._draft.findings if one.subject.startswith("prompt:")][:_MARKS_MOST]
        colour = QColor(theme.tokens(self.palette()).warning)
        marks: list[QTextEdit.ExtraSelection] = []
        for start, end in found:
            mark = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self.edit.document())
            cursor.setPosition(to_units(text, start))
            cursor.setPosition(to_units(text, end), QTextCursor.MoveMode.KeepAnchor)
            form = QTextCharFormat()
            form.setUnderlineStyle(form.UnderlineStyle.WaveUnderline)
            form.setUnderlineColor(colour)
            mark.cursor, mark.format = cursor, form
            marks.append(mark)
        self.edit.setExtraSelections(marks)


def _with_sentence(words: Prompt, sentence: str) -> Prompt:
    """A sentence of its own behind all others."""
    text = flat(words)
    said = text.rstrip()
    if "\n" in text[len(said) :]:
        return normal((*words, sentence))
    lead = "" if not said else " " if said.endswith(_STOPS) else ". "
    return normal((*section(words, 0, len(said)), lead + sentence))
