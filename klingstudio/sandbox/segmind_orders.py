"""The one model of the Segmind dialect: what a submit must have at once, what is found wrong later, what it costs.

Source: Segmind's page of the edit, read 2026-11-20. The price of a second is worked out from the range that it names.
"""

from __future__ import annotations

from typing import Any

from klingstudio.sandbox.jobs import Order

MODEL = "kling-o3-video2video-edit"
PER_SECOND = {"std": "0.315", "pro": "0.42"}
DURATIONS = tuple(str(seconds) for seconds in range(3, 16))
SHAPES = ("16:9", "9:16", "1:1")
_ELEMENTS_MAX = 10
_ANGLES_MAX = 3
_REFERENCES_MAX = 4
"""Kling's own, which Segmind's page does not name."""


def early_problem(body: dict[str, Any]) -> str | None:
    """What makes a submit no order at all."""
    for name in ("prompt", "video_url"):
        value = body.get(name)
        if not isinstance(value, str) or not value.strip():
            return f"Invalid parameters: {name} is required"
    return None


def order_from(body: dict[str, Any], *, account: str) -> Order:
    """The order in a submit. What is wrong with its values goes along: it is found when the job runs."""
    problem = _late_problem(body)
    elements = (body.get("elements") or []) if problem is None else []
    images = (body.get("image_urls") or []) if problem is None else []
    fronts = [element["frontal_image_url"] for element in elements if element.get("frontal_image_url")]
    return Order(
        dialect="segmind",
        account=account,
        billed_to=account,
        model=MODEL,
        prompt=body["prompt"],
        input_video=body["video_url"],
        images=(*images, *fronts),
        angles=tuple(url for element in elements for url in element.get("reference_image_urls") or []),
        keep_audio=body.get("keep_audio") is True,
        price_per_s=PER_SECOND.get(str(body.get("mode", "pro")), PER_SECOND["pro"]),
        currency="USD",
        parameters=body,
        late_problem=problem,
    )


def _late_problem(body: dict[str, Any]) -> str | None:
    for name, allowed, usual in (
        ("mode", tuple(PER_SECOND), "pro"),
        ("duration", DURATIONS, "5"),
        ("aspect_ratio", SHAPES, "16:9"),
    ):
        if body.get(name, usual) not in allowed:
            return f"{name}: value must be one of {', '.join(allowed)}"
    if not isinstance(body.get("keep_audio", False), bool):
        return "keep_audio: value must be a boolean"
    if len(body["prompt"]) > 2500:
        return "prompt: at most 2500 characters"
    images, elements = body.get("image_urls") or [], body.get("elements") or []
    if not _are_texts(images):
        return "image_urls: value must be a list of URLs"
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        return "elements: value must be a list of objects"
    if len(elements) > _ELEMENTS_MAX:
        return f"elements: at most {_ELEMENTS_MAX}"
    for element in elements:
        angles = element.get("reference_image_urls") or []
        if not isinstance(element.get("frontal_image_url", ""), str) or not _are_texts(angles):
            return "elements: frontal_image_url and reference_image_urls must be URLs"
        if len(angles) > _ANGLES_MAX:
            return f"elements: at most {_ANGLES_MAX} reference images each"
    if len(images) + len(elements) > _REFERENCES_MAX:
        return f"image_urls and elements: at most {_REFERENCES_MAX} in total with a video"
    return None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
