"""What goes out of the field is plain text with numbers; what comes in becomes words and tokens, or is refused whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QMimeData

from klingstudio.domain.prompt import Prompt, Token, TokenKind, clean, normal, numbered

_WORDS = "application/x-klingstudio-words"
"""The same as the text beside it, by ids: it stays right when tiles were moved in between."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """What was taken."""

    parts: Prompt


def mime_of(words: Prompt, numbers: Mapping[str, int]) -> QMimeData:
    """A selected part of the prompt for the clipboard or a drag."""
    data = QMimeData()
    data.setText(numbered(words, numbers))
    ours = [part if isinstance(part, str) else [str(part.kind), part.reference_id] for part in words]
    data.setData(_WORDS, json.dumps(ours).encode())
    return data


def parts_from(source: QMimeData, numbers: Mapping[str, int], most: int) -> Pasted | str:
    """What to insert, or the sentence why nothing is.

    Args:
        numbers: of the references of this draft; tokens of another one are taken as text.
        most: characters that a whole prompt may have.
    """
    text = source.text()
    if len(text) > most:
        return f"Not pasted: {len(text):,} characters; the most is {most:,}"
    ours = _ours(source)
    if ours is not None and all(isinstance(part, str) or part.reference_id in numbers for part in ours):
        return Pasted(ours)
    return Pasted(normal([clean(text)]))


def _ours(source: QMimeData) -> Prompt | None:
    if not source.hasFormat(_WORDS):
        return None
    try:
        found = json.loads(bytes(source.data(_WORDS).data()))
        return normal([clean(one) if isinstance(one, str) else Token(TokenKind(one[0]), str(one[1])) for one in found])
    except (ValueError, TypeError, KeyError, IndexError):
        # Another program may put anything there; the text is beside it.
        return None
