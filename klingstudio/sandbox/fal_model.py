"""The two qualities of the edit on fal.ai: what they cost, what they take, and what they find wrong when they run.

Sources, read 2026-11-20: fal.ai's page of the pro edit; the standard price is a third party's.
"""

from __future__ import annotations

from typing import Any

from klingstudio.sandbox.jobs import Order

APP = "fal-ai/kling-video"
PRICES = {
    "fal-ai/kling-video/o3/pro/video-to-video/edit": "0.336",
    "fal-ai/kling-video/o3/standard/video-to-video/edit": "0.252",
}
"""USD for a second of video, by endpoint."""
_REFERENCES_MAX = 4
_ANGLES_MAX = 3


def order_from(endpoint: str, body: dict[str, Any], account: str) -> Order:
    """The order in a submit. What is wrong with it goes along: the queue looks at nothing, the model does."""
    problem = _problem(body)
    images: list[str] = []
    angles: list[str] = []
    if problem is None:
        elements = body.get("elements") or []
        fronts = [element.get("frontal_image_url") for element in elements]
        images = [*(body.get("image_urls") or []), *filter(None, fronts)]
        angles = [url for element in elements for url in element.get("reference_image_urls") or []]
    return Order(
        dialect="fal",
        account=account,
        billed_to=account,
        model=endpoint,
        prompt=_text(body, "prompt"),
        input_video=_text(body, "video_url"),
        images=tuple(images),
        angles=tuple(angles),
        keep_audio=body.get("keep_audio", True) is True,
        price_per_s=PRICES[endpoint],
        currency="USD",
        parameters=body,
        late_problem=problem and f"body.{problem}",
    )


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _problem(body: dict[str, Any]) -> str | None:
    for name in ("prompt", "video_url"):
        if not _text(body, name).strip():
            return f"{name}: Field required"
    if len(body["prompt"]) > 2500:
        return "prompt: String should have at most 2500 characters"
    images, elements = body.get("image_urls") or [], body.get("elements") or []
    if not _are_texts(images):
        return "image_urls: Input should be a valid list"
    if not isinstance(elements, list):
        return "elements: Input should be a valid list"
    for n, element in enumerate(elements):
        if not isinstance(element, dict):
            return f"elements.{n}: Input should be a valid dictionary"
        angles = element.get("reference_image_urls") or []
        if not _are_texts(angles) or not 1 <= len(angles) <= _ANGLES_MAX:
            return f"elements.{n}.reference_image_urls: List should have 1 to {_ANGLES_MAX} items"
        if not isinstance(element.get("frontal_image_url"), str | None):
            return f"elements.{n}.frontal_image_url: Input should be a valid string"
    if len(images) + len(elements) > _REFERENCES_MAX:
        return f"image_urls: images and elements: at most {_REFERENCES_MAX} in total with a video"
    if not isinstance(body.get("keep_audio", True), bool):
        return "keep_audio: Input should be a valid boolean"
    return None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
