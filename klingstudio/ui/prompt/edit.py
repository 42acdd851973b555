"""The field: a text document that follows the draft's words and tells the draft every edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QFocusEvent,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from klingstudio.domain.prompt import CHIP, CLOSING, Part, Prompt, Token, numbered, with_room
from klingstudio.ui import theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.prompt import document as words
from klingstudio.ui.prompt.chip_field import ChipField
from klingstudio.ui.prompt.chips import ChipPainter
from klingstudio.ui.prompt.faces import Faces
from klingstudio.ui.prompt.mention import Mention
from klingstudio.ui.prompt.recall import Recall
from klingstudio.ui.prompt.strokes import Strokes
from klingstudio.ui.widgets.labels import announce
from klingstudio.ui.widgets.reference_drag import dragged_reference

PLACEHOLDER = "What should change? Click a picture or type @ to point at it."
_LINES_LEAST = 2
_MARGIN = 2
_ENTER = {Qt.Key.Key_Return, Qt.Key.Key_Enter}
_REDO = (QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y"))


class PromptEdit(ChipField):
    """Text with chips. Tab leaves the field, Esc gives the keyboard back to the window.

    The document keeps no history of its own: undo and redo are the draft's, through everything.
    """

    left = Signal()
    focus_changed = Signal(bool)
    refused = Signal(str)
    """What was pasted was not taken, and why."""

    def __init__(
        self, draft: DraftModel, faces: Faces, earlier: Callable[[], Sequence[str]], parent: QWidget | None = None
    ) -> None:
        """`earlier`: prompts of earlier jobs, newest first."""
        super().__init__(parent)
        self._draft = draft
        self._faces = faces
        self._label = ""
        self._lines = _LINES_LEAST
        self._spaced_at: int | None = None
        self._is_showing = False
        self._is_composing = False
        self.setTabChangesFocus(True)
        self.setAcceptRichText(False)
        self.setAccessibleName("Prompt")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        document = self.document()
        document.setUndoRedoEnabled(False)
        # A chip is a little higher than its line.
        document.setDocumentMargin(theme.px(_MARGIN))
        self._painter = ChipPainter(self, faces, self._is_in_selection)
        document.documentLayout().registerHandler(words.CHIP_OBJECT, self._painter)
        self._set_line_height()
        self._strokes = Strokes(document)
        self._recall = Recall(earlier)
        self.mention = Mention(self, faces, self._put_mention)
        self.textChanged.connect(self._tell)
        self.cursorPositionChanged.connect(self._on_caret)
        draft.prompt_replaced.connect(self._on_replaced)
        draft.switched.connect(self._on_switched)
        faces.changed.connect(self._lay_out)
        words.show(document, draft.words)

    def _set_line_height(self) -> None:
        form = QTextBlockFormat()
        kind = QTextBlockFormat.LineHeightTypes.MinimumHeight
        form.setLineHeight(theme.px(theme.PROMPT_LINE), kind.value)
        QTextCursor(self.document()).mergeBlockFormat(form)

    def set_lines(self, lines: int) -> None:
        """How many lines it would like to show."""
        if lines != self._lines:
            self._lines = lines
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(320), _height(self._lines))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(160), _height(_LINES_LEAST))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        document = self.document()
        if document.isEmpty() and not document.firstBlock().layout().preeditAreaText():
            # Qt's own stands higher than the text does in its taller lines: the first letter would make it jump.
            beside = theme.px(_MARGIN)
            above = beside + theme.px(theme.PROMPT_LINE) - self.fontMetrics().height()
            area = self.viewport().rect().adjusted(beside, above, -beside, 0)
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(area, Qt.TextFlag.TextWordWrap.value, PLACEHOLDER)
            painter.end()

    # between document and draft

    def _tell(self) -> None:
        """The document was edited."""
        if self._is_showing:
            return
        said, label, merge = words.words_in(self.document()), self._label, self._strokes.merge
        self._label = ""
        self._is_showing = True
        try:
            if label:
                self._draft.replace_words(said, label)
            else:
                self._draft.set_words(said, merge=merge)
            # A written number has become a token, or something had no place in a prompt.
            words.show(self.document(), self._draft.words)
        finally:
            self._is_showing = False

    def _on_replaced(self, prompt: Prompt) -> None:
        """The draft was changed from elsewhere: follow it, with the caret where the change is."""
        if self._is_showing:
            return
        self._is_showing = True
        try:
            end = words.show(self.document(), prompt)
        finally:
            self._is_showing = False
        self._strokes.cut()
        if end is not None and not self._is_composing:
            cursor = self.textCursor()
            cursor.setPosition(end)
            self.setTextCursor(cursor)

    def _on_switched(self) -> None:
        self._strokes.cut()
        self._recall.reset()
        self.mention.end()
        self.moveCursor(QTextCursor.MoveOperation.End)

    def undo(self) -> None:
        """Take the last change of the draft back."""
        self._strokes.cut()
        self._draft.undo()

    def redo(self) -> None:
        self._strokes.cut()
        self._draft.redo()

    # acts

    def put(self, cursor: QTextCursor, parts: Sequence[Part], label: str) -> None:
        """Put parts in place of what the cursor has selected: one step of undo, the caret behind them."""
        self._label = label
        words.insert(cursor, parts)
        self.setTextCursor(cursor)
        self.ensureCursorVisible()
        is_spaced = bool(parts) and isinstance(parts[-1], str) and parts[-1].endswith(" ")
        self._spaced_at = cursor.position() if is_spaced else None

    def insert_reference(self, reference_id: str) -> None:
        """Point at this reference where the caret is, and go on writing."""
        face = self._faces.with_id(reference_id)
        if face is not None:
            cursor = self.textCursor()
            self.put(cursor, self._with_room(cursor, [face.token]), f"insert {face.title}")
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def insert_text(self, text: str, label: str) -> None:
        """Put text with numbers where the caret is."""
        cursor = self.textCursor()
        self.put(cursor, self._with_room(cursor, [text]), label)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _with_room(self, cursor: QTextCursor, parts: Sequence[Part]) -> Prompt:
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        at = self.document().characterAt
        before = at(start - 1) if start > 0 else ""
        after = at(end) if end < self.document().characterCount() - 1 else ""
        return with_room(parts, before, after)

    def _put_mention(self, cursor: QTextCursor, token: Token) -> None:
        # Where the `@` was written is where it is wanted: no space is put before it.
        room = self._with_room(cursor, [token])
        parts = room[1:] if isinstance(room[0], str) else room
        self.put(cursor, parts, f"insert {self._faces.of(token).title}")

    def chosen_text(self) -> str:
        """The selected text with numbers; all of it where nothing is selected."""
        cursor, said = self.textCursor(), self._draft.words
        return numbered(words.selected(said, cursor) if cursor.hasSelection() else said, self._draft.numbers)

    def replace_chip(self, place: int, token: Token) -> None:
        """Let the chip there point at another reference."""
        self.put(self._over(place), [token], f"point at {self._faces.of(token).title}")

    def remove_chip(self, place: int) -> None:
        """Take the chip there out of the text, with one of the two spaces around it."""
        cursor = self._over(place)
        at = self.document().characterAt
        if place > 0 and at(place - 1) == " " and at(place + 1) == " ":
            cursor.setPosition(place)
            cursor.setPosition(place + 2, QTextCursor.MoveMode.KeepAnchor)
        self.put(cursor, [], "remove the token")

    def _over(self, place: int) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(place)
        cursor.setPosition(place + 1, QTextCursor.MoveMode.KeepAnchor)
        return cursor

    # keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.card_wanted.emit(None)
        spaced_at, self._spaced_at = self._spaced_at, None
        if self.mention.takes(event) or self._takes(event) or self._uses_space(spaced_at, event.text()):
            event.accept()
            return
        if not self.textCursor().hasSelection():
            # Text beside a chip is text, not part of it.
            self.setCurrentCharFormat(QTextCharFormat())
        super().keyPressEvent(event)
        if event.text().endswith("@"):
            self.mention.begin()

    def _takes(self, event: QKeyEvent) -> bool:
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        alt = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.AltModifier
        shift = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.ShiftModifier
        pressed = QKeySequence(event.keyCombination())
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo()
        elif event.matches(QKeySequence.StandardKey.Redo) or pressed in _REDO:
            self.redo()
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif alt and event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            self._go_through_earlier(older=event.key() == Qt.Key.Key_Up)
        elif shift and event.key() in _ENTER:
            self.textCursor().insertBlock()
        elif (shift and event.key() == Qt.Key.Key_F10) or event.key() == Qt.Key.Key_Menu:
            self._want_menu()
        else:
            return plain and event.key() == Qt.Key.Key_Backspace and self._selects_chip_before()
        return True

    def _uses_space(self, spaced_at: int | None, typed: str) -> bool:
        """Behind a reference that was inserted with a space, a typed space is that one, and a comma takes its place."""
        cursor = self.textCursor()
        if spaced_at is None or cursor.hasSelection() or cursor.position() != spaced_at or not typed:
            return False
        if typed in CLOSING:
            cursor.movePosition(QTextCursor.MoveOperation.PreviousCharacter, QTextCursor.MoveMode.KeepAnchor)
            words.insert(cursor, [typed])
            self.setTextCursor(cursor)
        return typed == " " or typed in CLOSING

    def _selects_chip_before(self) -> bool:
        """The first Backspace behind a chip selects it; the second one removes what is selected."""
        cursor = self.textCursor()
        at = cursor.position() - 1
        if cursor.hasSelection() or at < 0 or self.token_at(at) is None:
            return False
        cursor.movePosition(QTextCursor.MoveOperation.PreviousCharacter, QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)
        return True

    def _go_through_earlier(self, *, older: bool) -> None:
        recall, draft = self._recall, self._draft
        found = recall.older(draft.words, draft.prompt) if older else recall.newer(draft.words)
        if found is None:
            announce(self, "No earlier prompt" if older else "This is the prompt being written")
            return
        if isinstance(found, str):
            draft.replace_prompt(found, "recall a prompt")
        else:
            draft.replace_words(found, "recall a prompt")
        recall.show(draft.words)
        self.moveCursor(QTextCursor.MoveOperation.End)
        announce(self, draft.prompt)

    def focusNextPrevChild(self, forward: bool) -> bool:
        return (forward and self.mention.takes_tab()) or super().focusNextPrevChild(forward)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._is_composing = bool(event.preeditString())
        if event.commitString() and not self.textCursor().hasSelection():
            self.setCurrentCharFormat(QTextCharFormat())
        super().inputMethodEvent(event)
        if event.commitString().endswith("@"):
            self.mention.begin()
        else:
            self.mention.follow()

    # clipboard and drops

    def createMimeDataFromSelection(self) -> QMimeData:
        from klingstudio.ui.prompt.clipboard import mime_of

        return mime_of(words.selected(self._draft.words, self.textCursor()), self._draft.value)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        # Files that are dropped here belong to the window, which sorts them.
        has_files = any(url.isLocalFile() for url in source.urls())
        return bool(dragged_reference(source)) or (source.hasText() and not has_files)

    def insertFromMimeData(self, source: QMimeData) -> None:
        if not self.canInsertFromMimeData(source):
            return
        if reference_id := dragged_reference(source):
            self.insert_reference(reference_id)
            return
        from klingstudio.ui.prompt.clipboard import Pasted, parts_from

        match parts_from(source, self._draft.value, self._draft.prompt_max):
            case Pasted(parts=parts):
                self.put(self.textCursor(), parts, "paste")
            case sentence:
                self.refused.emit(sentence)
                announce(self, sentence)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.mention.end()
        super().mousePressEvent(event)

    # looks and words

    def _is_in_selection(self, place: int) -> bool:
        cursor = self.textCursor()
        return cursor.selectionStart() <= place < cursor.selectionEnd()

    def _lay_out(self) -> None:
        """Numbers, names or pictures of chips changed, or colours."""
        self._painter.forget()
        if CHIP in self.document().toRawText():
            self.document().markContentsDirty(0, self.document().characterCount())
            self.viewport().update()

    def _on_caret(self) -> None:
        self.mention.follow()
        place = self.chosen_chip()
        if place is not None and QAccessible.isActive():
            token = self.token_at(place)
            # The text that a screen reader is given has one character for a chip, which it cannot say.
            announce(self, self._faces.of(token).words if token else "")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._lay_out()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.mention.end()
        self.card_wanted.emit(None)
        self.focus_changed.emit(False)

    def spoken(self) -> str:
        """The prompt as words: each chip with number and name."""
        names = {token: self._faces.of(token) for token in self._draft.words if isinstance(token, Token)}
        numbers = self._draft.numbers
        return "".join(
            part if isinstance(part, str) else ", ".join(filter(None, (numbered([part], numbers), names[part].name)))
            for part in self._draft.words
        )


def _height(lines: int) -> int:
    return theme.px(theme.PROMPT_LINE) * lines + 2 * theme.px(_MARGIN)
