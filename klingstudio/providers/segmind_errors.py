"""What Segmind's errors mean: a number and `{"error": "text"}`, where 406 is mostly money and a failed job is HTTP 422."""

from __future__ import annotations

import re

from klingstudio.domain.errors import KeyProblem, Kind, ProviderRefused, UnexpectedReply
from klingstudio.net.reply import Reply, plain_words
from klingstudio.providers.base import Failed

REFUSALS = {
    400: Kind.REQUEST_REJECTED,
    404: Kind.MODEL_GONE,
    405: Kind.REQUEST_REJECTED,
    410: Kind.MODEL_GONE,
    422: Kind.REQUEST_REJECTED,
}
"""HTTP status → what it means. 401 and 403 are about the key, 406 depends on its words, 429 and 5xx are `net`'s."""

REFUSALS_406 = (
    (re.compile(r"content[- ]type", re.IGNORECASE), Kind.REQUEST_REJECTED),
    (re.compile(r"\b(limits?|quota|team)\b", re.IGNORECASE), Kind.ACCOUNT_LIMIT),
)
"""The first that fits its words; 406 without any of these is an empty account."""

FAILURES = (
    (re.compile(r"content policy|moderat|nsfw|safety|sensitive|inappropriate", re.IGNORECASE), Kind.CONTENT_REFUSED),
    (re.compile(r"timed? ?out|deadline", re.IGNORECASE), Kind.PROVIDER_TIMEOUT),
    (
        re.compile(r"download|fetch|invalid url|\b40[134]\b.*\burl\b|not (?:accessible|reachable)", re.IGNORECASE),
        Kind.INPUT_NOT_READABLE,
    ),
    (re.compile(r"(?:no|empty) (?:output|result)s?\b", re.IGNORECASE), Kind.NOTHING_MADE),
    (
        re.compile(r"\b(duration|resolution|width|height|sides|format|fps|file size|too large)\b", re.IGNORECASE),
        Kind.INPUT_NOT_ACCEPTED,
    ),
    (re.compile(r"(?:insufficient|not enough) (?:credit|balance)", re.IGNORECASE), Kind.NO_CREDIT),
    (re.compile(r"internal (?:server )?error|\b50[0234]\b|worker|unavailable", re.IGNORECASE), Kind.PROVIDER_FAULT),
)
"""The first that fits the words of a job that failed; else they are shown as they are."""


def accept(reply: Reply) -> None:
    """Let a 2xx pass.

    Raises:
        KeyProblem, ProviderRefused: it is something else.
    """
    if not reply.is_success:
        raise refusal(reply, otherwise=Kind.REQUEST_REJECTED)


def refusal(reply: Reply, *, otherwise: Kind) -> KeyProblem | ProviderRefused:
    """What a definite no means. `otherwise`: for a number that no page explains."""
    words, raw = words_of(reply), reply.raw()
    if reply.status in (401, 403):
        return KeyProblem(Kind.KEY_REFUSED, words, subject="key", raw=raw)
    if reply.status == 406:
        kind = next((kind for pattern, kind in REFUSALS_406 if pattern.search(words)), Kind.NO_CREDIT)
    else:
        kind = REFUSALS.get(reply.status, otherwise)
    return ProviderRefused(kind, words or f"HTTP {reply.status}", raw=raw)


def words_of(reply: Reply) -> str:
    """Segmind's own explanation; a gateway answers with a web page."""
    try:
        places = [reply.at(place) for place in ("error", "message", "detail")]
    except UnexpectedReply as error:
        return error.problem.detail
    return next((text for text in map(text_of, places) if text), "")


def text_of(value: object) -> str:
    """An explanation that is a text, or an object with one."""
    if isinstance(value, dict):
        value = value.get("message") or value.get("error") or value.get("detail")
    return plain_words(value) if isinstance(value, str) else ""


def failed(words: str, reply: Reply) -> Failed:
    """A job that came to nothing, in the words of `reply`."""
    kind = next((kind for pattern, kind in FAILURES if pattern.search(words)), Kind.EDIT_FAILED)
    return Failed(words or "no reason given", kind, reply.raw())
