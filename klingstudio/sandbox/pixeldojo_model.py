"""The one model of the PixelDojo dialect: its form, what is wrong with a submit, and what it costs.

Source: PixelDojo's page of the edit and its API documentation, read 2026-11-20. They name 40 credits for the form with
its defaults and say that videos are counted by the second; that the default is 5 s is what the sandbox makes of it.
"""

from __future__ import annotations

import math
from typing import Any

from klingstudio.sandbox.jobs import Order

MODEL_ID = "kling-video-edit"
CREDITS_PER_S = 8
DEFAULT_S = 5
LENGTH_S = (3, 15)

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}
_URI = {"type": "string", "format": "uri"}
_PROPERTIES: dict[str, dict[str, Any]] = {
    "prompt": {"type": "string"},
    "video_url": _URI,
    "video_duration": {"type": "number"},
    "tier": {"type": "string", "enum": ["standard", "pro"], "default": "pro"},
    "keep_audio": {"type": "boolean", "default": True},
    "image_urls": {"type": "array", "items": _URI},
    "webhook_url": _URI,
}
_REQUIRED = ("prompt", "video_url", "video_duration")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": list(_REQUIRED),
    "properties": _PROPERTIES,
}


def view() -> dict[str, Any]:
    """The model as a row of the public list."""
    return {
        "apiId": MODEL_ID,
        "name": "Kling Video Edit",
        "description": "Kling O3 video-to-video edit. Standard or Pro, with optional reference images.",
        "modality": "video",
        "creditCost": {"default": CREDITS_PER_S * DEFAULT_S, "type": "variable"},
    }


def unknown_field(body: dict[str, Any]) -> str | None:
    """The first field that the form does not have."""
    return next((name for name in body if name not in _PROPERTIES), None)


def problem(body: dict[str, Any]) -> str | None:
    """What is wrong with the fields, which are all known."""
    for name in _REQUIRED:
        if body.get(name) in (None, ""):
            return f"{name} is required"
    for name, value in body.items():
        rule = _PROPERTIES[name]
        if not _has_type(value, rule["type"]):
            return f"{name} must be a {rule['type']}"
        if value not in rule.get("enum", [value]):
            return f"{name} must be one of {', '.join(rule['enum'])}"
        if not all(_is_address(item) for item in _addresses(value, rule)):
            return f"{name} must be a valid URL"
    if not LENGTH_S[0] <= body["video_duration"] <= LENGTH_S[1]:
        return f"video_duration must be between {LENGTH_S[0]} and {LENGTH_S[1]}"
    return None


def cost(body: dict[str, Any]) -> int:
    """Credits for a submit: whole ones, for the length that it claims."""
    return math.ceil(CREDITS_PER_S * float(body["video_duration"]))


def order_from(body: dict[str, Any], *, account: str) -> Order:
    """The order in a submit that has no problem."""
    return Order(
        dialect="pixeldojo",
        account=account,
        billed_to=account,
        model=MODEL_ID,
        prompt=body["prompt"],
        input_video=body["video_url"],
        images=tuple(body.get("image_urls", ())),
        keep_audio=body.get("keep_audio", True),
        price_per_s=str(CREDITS_PER_S),
        price=str(cost(body)),
        currency="credits",
        parameters=body,
    )


def _has_type(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _addresses(value: Any, rule: dict[str, Any]) -> list[Any]:
    if rule["type"] == "array":
        return list(value)
    return [value] if rule.get("format") == "uri" else []


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))
