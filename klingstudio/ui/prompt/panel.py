"""The prompt field with its counter, its coloured tokens and its problem line."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QSyntaxHighlighter,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from klingstudio.domain.errors import Kind
from klingstudio.ui import text, theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.widgets.icons import IconLabel
from klingstudio.ui.widgets.labels import label, set_role

PLACEHOLDER = "What should change? Click a picture to point at it."
_LINES = 3
_NEARLY = 0.9


def utf16_length(words: str) -> int:
    """Length as Qt counts: characters outside the basic plane are two."""
    return len(words.encode("utf-16-le")) // 2


class Highlighter(QSyntaxHighlighter):
    """Colours tokens by what they point at; one that points at nothing is underlined."""

    def __init__(self, document: QTextDocument, field: QWidget) -> None:
        super().__init__(document)
        self._field = field
        self._images = self._elements = 0

    def set_counts(self, images: int, elements: int) -> None:
        """How many references there are to point at."""
        if (images, elements) != (self._images, self._elements):
            self._images, self._elements = images, elements
            self.rehighlight()

    def highlightBlock(self, words: str) -> None:
        if "@" not in words:
            return
        # Imported when there is something to colour: the window is shown before that.
        from PySide6.QtGui import QTextCharFormat

        from klingstudio.domain.prompt import TokenKind, find_tokens

        counts = {TokenKind.IMAGE: self._images, TokenKind.ELEMENT: self._elements, TokenKind.VIDEO: 1}
        t = theme.tokens(self._field.palette())
        for start, end, kind, number in find_tokens(words):
            colour = t.element if kind is TokenKind.ELEMENT else t.image
            form = QTextCharFormat()
            if 1 <= number <= counts[kind]:
                form.setForeground(QColor(colour))
                form.setBackground(QColor(theme.mix(t.raised, colour, 0.16)))
                form.setFontWeight(QFont.Weight.DemiBold)
            else:
                form.setForeground(QColor(t.warning))
                form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
                form.setUnderlineColor(QColor(t.warning))
            at = utf16_length(words[:start])
            self.setFormat(at, utf16_length(words[start:end]), form)


class PromptEdit(QPlainTextEdit):
    """Plain text; Tab leaves the field, Esc gives the keyboard back to the window."""

    left = Signal()
    focus_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self.setPlaceholderText(PLACEHOLDER)
        self.setAccessibleName("Prompt")
        self.setAccessibleDescription("What should change in the video")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.document().setDocumentMargin(0)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(320), round(self.fontMetrics().lineSpacing() * _LINES))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(160), self.fontMetrics().lineSpacing() * 2)

    def canInsertFromMimeData(self, source: object) -> bool:
        # Files that are dropped here belong to the window, which sorts them.
        return bool(source.hasText()) and not source.hasUrls()  # type: ignore[attr-defined]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit(False)


class _Field(QFrame):
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
    """The prompt of the draft."""

    def __init__(self, draft: DraftModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._frame = _Field(self)
        self._frame.setObjectName("promptField")
        self.edit = PromptEdit(self._frame)
        self.edit.setObjectName("prompt")
        self._highlighter = Highlighter(self.edit.document(), self.edit)
        self._icon = IconLabel("triangle-alert", "warning", 14)
        self._problem = label(role="warning", wraps=True)
        self._count = label(role="faint")
        self._count.setFont(theme.tabular(self._count.font()))
        self._count.setAccessibleName("Characters used")

        foot = QHBoxLayout()
        foot.setSpacing(theme.px(6))
        foot.addWidget(self._icon)
        foot.addWidget(self._problem, stretch=1)
        foot.addWidget(self._count, alignment=Qt.AlignmentFlag.AlignRight)
        inside = QVBoxLayout(self._frame)
        inside.setContentsMargins(*(theme.px(n) for n in (14, 12, 14, 8)))
        inside.setSpacing(theme.px(theme.GAP))
        inside.addWidget(self.edit, stretch=1)
        inside.addLayout(foot)
        self._frame.pressed.connect(self._write_at_end)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._frame)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

        self.edit.textChanged.connect(self._on_text)
        self.edit.focus_changed.connect(self._on_focus)
        draft.prompt_replaced.connect(self._replace)
        draft.changed.connect(self._refresh)
        self._refresh()

    def insert_token(self, token: str) -> None:
        """Put a token where the cursor is, with a space on each side where one is needed, and go on writing."""
        cursor = self.edit.textCursor()
        before = self._neighbour(cursor, QTextCursor.MoveOperation.PreviousCharacter)
        after = self._neighbour(cursor, QTextCursor.MoveOperation.NextCharacter)
        lead = "" if not before or before.isspace() or before in "([\"'“" else " "
        tail = "" if after and (after.isspace() or after in ".,;:!?)]\"'”") else " "
        cursor.insertText(f"{lead}{token}{tail}")
        self.edit.setTextCursor(cursor)
        self.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    @staticmethod
    def _neighbour(cursor: QTextCursor, direction: QTextCursor.MoveOperation) -> str:
        probe = QTextCursor(cursor)
        is_back = direction == QTextCursor.MoveOperation.PreviousCharacter
        probe.setPosition(cursor.selectionStart() if is_back else cursor.selectionEnd())
        probe.movePosition(direction, QTextCursor.MoveMode.KeepAnchor)
        return probe.selectedText().replace("\u2029", "\n")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._highlighter.rehighlight()

    def _on_text(self) -> None:
        self._draft.set_prompt(self.edit.toPlainText())

    def _write_at_end(self) -> None:
        self.edit.moveCursor(QTextCursor.MoveOperation.End)
        self.edit.setFocus(Qt.FocusReason.MouseFocusReason)

    def _on_focus(self, has_it: bool) -> None:
        set_role(self._frame, "writing", "true" if has_it else "false")

    def _replace(self, words: str) -> None:
        if words == self.edit.toPlainText():
            return
        # One step of undo, and the cursor stays near where it was.
        cursor = self.edit.textCursor()
        at = cursor.position()
        cursor.beginEditBlock()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(words)
        cursor.endEditBlock()
        cursor.setPosition(min(at, utf16_length(words)))
        self.edit.setTextCursor(cursor)

    def _refresh(self) -> None:
        self._highlighter.set_counts(len(self._draft.pictures), len(self._draft.figures))
        used, most = len(self._draft.prompt), self._draft.prompt_max
        self._count.setText(f"{used} / {most}")
        set_role(self._count, "role", "bad" if used > most else "warning" if used > most * _NEARLY else "faint")
        problem = self._draft.prompt_problem()
        # An empty field says so by its placeholder; the button tells the rest.
        is_shown = problem is not None and problem.kind is not Kind.PROMPT_EMPTY
        self._icon.setVisible(is_shown)
        self._problem.setText("")
        if problem is not None and is_shown:
            self._problem.setText(text.passage(problem))
