"""What goes out of the field is plain text with numbers; what comes in becomes words and tokens, or is refused whole."""

from __future__ import annotations

import json
from dataclasses import dataclass

from PySide6.QtCore import QMimeData

from klingstudio.domain.draft import Draft, is_id
from klingstudio.domain.prompt import Prompt, Token, TokenKind, clean, flat, normal, numbered

_WORDS = "application/x-klingstudio-words"
"""The same as the text beside it, by ids and with the id of its draft: it stays right when tiles are moved in between."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """What was taken."""

    parts: Prompt


def mime_of(words: Prompt, draft: Draft) -> QMimeData:
    """A selected part of the draft's prompt for the clipboard or a drag."""
    data = QMimeData()
    data.setText(numbered(words, draft.numbers))
    ours = [part if isinstance(part, str) else [str(part.kind), part.reference_id] for part in words]
    data.setData(_WORDS, json.dumps([draft.id, *ours]).encode())
    return data


def parts_from(source: QMimeData, draft: Draft, most: int) -> Pasted | str:
    """What to insert into the draft, or the sentence why nothing is. Tokens of another draft are taken as text.

    Args:
        most: characters that a whole prompt may have.
    """
    text = source.text()
    if len(text) > most:
        return f"Not pasted: {len(text):,} characters; the most is {most:,}"
    origin, ours = _ours(source, most)
    # What was removed here meanwhile goes on pointing at it: its number may be that of another picture by now.
    if origin == draft.id or (ours and all(isinstance(one, str) or one.reference_id in draft.numbers for one in ours)):
        return Pasted(ours)
    return Pasted(normal([clean(text)]))


def _ours(source: QMimeData, most: int) -> tuple[str, Prompt]:
    """The id of the draft that it was taken from, and the words; empty where it is none of ours."""
    if not source.hasFormat(_WORDS):
        return "", ()
    try:
        origin, *found = json.loads(bytes(source.data(_WORDS).data()))
        words = normal([clean(one) if isinstance(one, str) else Token(TokenKind(one[0]), str(one[1])) for one in found])
        is_sound = all(isinstance(one, str) or is_id(one.reference_id) for one in words)
        return (str(origin), words) if is_sound and len(flat(words)) <= most else ("", ())
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        # Another program may put anything there; the text is beside it.
        return "", ()
