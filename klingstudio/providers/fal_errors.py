"""What fal.ai's error types mean, and how its two shapes of error are read.

The model says `{"detail": [{"loc", "msg", "type"}]}`, the platform `{"detail": "…", "error_type": "…"}`, and the API of
prices and accounts `{"error": {"type", "message"}}`. Sources, read 2026-11-20: the error reference and the queue page of
fal.ai's documentation, and what `fal-client` 1.0.3 makes of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from klingstudio.domain.errors import KeyProblem, Kind, ProviderRefused, UnexpectedReply
from klingstudio.net.reply import Reply, plain_words

CANCELLED = "client_cancelled"

KINDS: Mapping[str, Kind] = {
    # the platform: nothing of these is charged
    "request_timeout": Kind.PROVIDER_TIMEOUT,
    "startup_timeout": Kind.PROVIDER_TIMEOUT,
    "runner_scheduling_failure": Kind.PROVIDER_FAULT,
    "runner_connection_timeout": Kind.PROVIDER_FAULT,
    "runner_disconnected": Kind.PROVIDER_FAULT,
    "runner_connection_refused": Kind.PROVIDER_FAULT,
    "runner_connection_error": Kind.PROVIDER_FAULT,
    "runner_incomplete_response": Kind.PROVIDER_FAULT,
    "runner_server_error": Kind.PROVIDER_FAULT,
    "internal_error": Kind.PROVIDER_FAULT,
    "client_disconnected": Kind.PROVIDER_FAULT,
    CANCELLED: Kind.EDIT_CANCELLED,
    "bad_request": Kind.REQUEST_REJECTED,
    "auth_error": Kind.KEY_REFUSED,
    "not_found": Kind.MODEL_GONE,
    "url_error": Kind.INPUT_NOT_READABLE,
    # the model
    "content_policy_violation": Kind.CONTENT_REFUSED,
    "no_media_generated": Kind.NOTHING_MADE,
    "file_download_error": Kind.INPUT_NOT_READABLE,
    "image_load_error": Kind.INPUT_NOT_READABLE,
    "file_too_large": Kind.INPUT_NOT_ACCEPTED,
    "image_too_small": Kind.INPUT_NOT_ACCEPTED,
    "image_too_large": Kind.INPUT_NOT_ACCEPTED,
    "unsupported_video_format": Kind.INPUT_NOT_ACCEPTED,
    "unsupported_image_format": Kind.INPUT_NOT_ACCEPTED,
    "video_duration_too_long": Kind.INPUT_NOT_ACCEPTED,
    "video_duration_too_short": Kind.INPUT_NOT_ACCEPTED,
    "face_detection_error": Kind.INPUT_NOT_ACCEPTED,
    "sequence_too_long": Kind.REQUEST_REJECTED,
    "feature_not_supported": Kind.REQUEST_REJECTED,
    "generation_timeout": Kind.PROVIDER_TIMEOUT,
    "downstream_service_error": Kind.PROVIDER_FAULT,
    "downstream_service_unavailable": Kind.PROVIDER_FAULT,
    "internal_server_error": Kind.PROVIDER_FAULT,
}
"""By `error_type` or by the `type` of a detail. A type that is not here is shown in fal.ai's own words."""

_DETAILS_MOST = 3
_MONEY = re.compile(r"(?i)\b(?:locked|balance|credits?)\b")


def refusal(reply: Reply) -> KeyProblem | ProviderRefused:
    """The definite no in an answer that is no success."""
    said = words(reply) or f"HTTP {reply.status}"
    if reply.status in (402, 403) and _MONEY.search(said):
        # 403 is also what an account with an empty balance gets; its key is as good as ever.
        return ProviderRefused(Kind.NO_CREDIT, said, raw=reply.raw())
    if reply.status in (401, 403):
        return KeyProblem(Kind.KEY_REFUSED, said, subject="key", raw=reply.raw())
    kind = Kind.MODEL_GONE if reply.status == 404 else KINDS.get(error_type(reply), Kind.REQUEST_REJECTED)
    return ProviderRefused(kind, said, raw=reply.raw())


def error_type(reply: Reply) -> str:
    """fal.ai's own word for what went wrong, "" where it has none."""
    own = [_body(reply).get("error_type"), reply.headers.get("x-fal-error-type")]
    types = own + [detail.get("type") for detail in _details(reply)]
    return next((found for found in types if isinstance(found, str) and found), "")


def words(reply: Reply) -> str:
    """fal.ai's explanation with the field that it is about, fit to be shown; "" where there is none."""
    body = _body(reply)
    error = body.get("error")
    details = [_sentence(detail) for detail in _details(reply)]
    texts = [
        body.get("detail"),
        "; ".join(filter(None, details[:_DETAILS_MOST])),
        error.get("message") if isinstance(error, dict) else error,
        body.get("message"),
    ]
    return next((said for text in texts if isinstance(text, str) and (said := plain_words(text))), "")


def _sentence(detail: Mapping[str, object]) -> str:
    message, place = detail.get("msg"), detail.get("loc")
    if not isinstance(message, str) or not message:
        return ""
    # `["body", "image_urls", 1]`: the first step is the same for all of them.
    steps = [str(step) for step in place if step != "body"] if isinstance(place, list) else []
    return f"{'.'.join(steps)}: {message}" if steps else message


def _details(reply: Reply) -> list[Mapping[str, object]]:
    detail = _body(reply).get("detail")
    return [member for member in (detail if isinstance(detail, list) else [detail]) if isinstance(member, dict)]


def _body(reply: Reply) -> Mapping[str, object]:
    try:
        body = reply.tree()
    except UnexpectedReply:
        return {}
    return body if isinstance(body, dict) else {}
