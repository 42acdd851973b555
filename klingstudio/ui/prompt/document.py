"""A prompt as a text document: each token is one character with a format that holds the id of its reference.

The document never learns a number. Cells are what both sides have in common: one for a code point, one for a token.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QTextCharFormat, QTextCursor, QTextDocument, QTextFormat

from klingstudio.domain.prompt import CHIP, Part, Prompt, Token, TokenKind, clean, flat, normal, section
from klingstudio.ui.prompt.units import length, to_points

CHIP_OBJECT = int(QTextFormat.ObjectTypes.UserObject.value) + 1
"""Type of the text object that stands for a token."""
_ID = int(QTextFormat.Property.UserProperty.value) + 1
_KIND = _ID + 1

Cell = str | Token


def chip_format(token: Token) -> QTextCharFormat:
    """The format that makes a character this token."""
    form = QTextCharFormat()
    form.setObjectType(CHIP_OBJECT)
    form.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
    form.setProperty(_ID, token.reference_id)
    form.setProperty(_KIND, str(token.kind))
    return form


def token_in(form: QTextFormat) -> Token | None:
    """The token that a character of this format is; None for text."""
    if form.objectType() != CHIP_OBJECT:
        return None
    return Token(TokenKind(form.property(_KIND)), form.property(_ID))


def raw_parts(document: QTextDocument) -> list[Part]:
    """Everything that is in the document, also what has no place in a prompt."""
    parts: list[Part] = []
    block = document.begin()
    while block.isValid():
        if block.blockNumber():
            parts.append("\n")
        pieces = block.begin()
        while not pieces.atEnd():
            fragment = pieces.fragment()
            token = token_in(fragment.charFormat())
            # Two tokens of the same reference side by side are one fragment.
            parts += [fragment.text()] if token is None else [token] * fragment.length()
            pieces += 1
        block = block.next()
    return parts


def words_in(document: QTextDocument) -> Prompt:
    """What the document says."""
    return normal([part if isinstance(part, Token) else clean(part) for part in raw_parts(document)])


def cells_of(prompt: Sequence[Part]) -> list[Cell]:
    """One cell for each position in `flat`."""
    return [cell for part in prompt for cell in ([part] if isinstance(part, Token) else part)]


def unit_at(prompt: Sequence[Part], position: int) -> int:
    """Qt's place of this position in `flat`."""
    return length(flat(prompt)[:position])


def selected(prompt: Sequence[Part], cursor: QTextCursor) -> Prompt:
    """The part of the prompt that the cursor has selected."""
    text = flat(prompt)
    return section(prompt, to_points(text, cursor.selectionStart()), to_points(text, cursor.selectionEnd()))


def insert(cursor: QTextCursor, parts: Sequence[Part]) -> None:
    """Put parts in place of what is selected, as one edit."""
    cursor.beginEditBlock()
    cursor.removeSelectedText()
    for part in parts:
        if isinstance(part, Token):
            cursor.insertText(CHIP, chip_format(part))
        else:
            cursor.insertText(part, QTextCharFormat())
    cursor.endEditBlock()


def show(document: QTextDocument, prompt: Prompt) -> int | None:
    """Make the document say this by its smallest change, so that cursors and scrolling stay.

    Gives Qt's place behind the change; None where there was nothing to change.
    """
    parts, cursor = raw_parts(document), QTextCursor(document)
    if length(flat(parts)) != document.characterCount() - 1:
        # Half of an emoji was left behind: no place can be relied on.
        cursor.select(QTextCursor.SelectionType.Document)
        insert(cursor, prompt)
        return cursor.position()
    if normal(parts) == prompt:
        return None
    old, new = cells_of(parts), cells_of(prompt)
    head = _alike(old, new)
    most = min(len(old), len(new)) - head
    tail = _alike(old[: -most - 1 : -1], new[: -most - 1 : -1]) if most else 0
    cursor.setPosition(unit_at(old, head))
    cursor.setPosition(unit_at(old, len(old) - tail), QTextCursor.MoveMode.KeepAnchor)
    insert(cursor, normal(new[head : len(new) - tail]))
    return cursor.position()


def _alike(one: Sequence[Cell], other: Sequence[Cell]) -> int:
    """How many cells at the beginning are the same."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def neighbour(document: QTextDocument, unit: int) -> Token | None:
    """The token behind this place; None for text or the end."""
    if not 0 <= unit < document.characterCount() - 1:
        return None
    cursor = QTextCursor(document)
    # The format of a cursor is that of the character before it.
    cursor.setPosition(unit + 1)
    return token_in(cursor.charFormat()) if document.characterAt(unit) == CHIP else None
