"""The two video editing models of Oxen.ai: what they cost, what they take, and what they find wrong when they run.

Source: Oxen.ai's model pages and API reference, read 2026-11-20.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klingstudio.sandbox.jobs import Order

OLD_ID = "kling-video-o3-pro-video-to-video-edit"
OMNI_ID = "kling-video-o3-omni"
_PER_SECOND = "0.336"
_REFERENCES_MAX = 4
_ANGLES_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model id."""

    id: str
    title: str
    by_resolution: tuple[str, ...]
    keeps_audio: bool
    """What happens to the sound where the submit does not say."""

    def view(self) -> dict[str, Any]:
        """The model as the API shows it."""
        pricing: dict[str, Any] = {"method": "per_video_output_second", "cost_per_second": float(_PER_SECOND)}
        if self.by_resolution:
            pricing["cost_per_second_by_resolution"] = dict.fromkeys(self.by_resolution, float(_PER_SECOND))
        return {
            "id": self.id,
            "name": self.id,
            "display_name": self.title,
            "developer": "Kling AI",
            "media_type": "video",
            "input_modalities": ["text", "image", "video"],
            "output_modalities": ["video"],
            "pricing": pricing,
            "request_schema": self._schema(),
        }

    def _schema(self) -> dict[str, Any]:
        text = {"type": "string"}
        uri = {"type": "string", "format": "uri"}
        element = {
            "type": "object",
            "required": ["frontal_image_url"],
            "properties": {
                "frontal_image_url": uri,
                "reference_image_urls": {"type": "array", "items": uri, "maxItems": _ANGLES_MAX},
            },
        }
        properties: dict[str, Any] = {
            "model": text,
            "prompt": text,
            "input_video": uri,
            "input_image": {"type": "array", "items": uri},
            "elements": {"type": "array", "items": element},
            "keep_audio": {"type": "boolean", "default": self.keeps_audio},
        }
        if self.by_resolution:
            properties |= {
                "video_mode": {"type": "string", "enum": ["edit", "reference"], "default": "edit"},
                "resolution": {"type": "string", "enum": list(self.by_resolution), "default": "1080p"},
                "duration": {"type": "integer", "minimum": 3, "maximum": 15, "default": 5},
                "aspect_ratio": {"type": "string", "enum": ["16:9", "9:16", "1:1"], "default": "16:9"},
                "generate_audio": {"type": "boolean", "default": False},
            }
        required = ["model", "prompt"] if self.by_resolution else ["model", "prompt", "input_video"]
        return {"type": "object", "required": required, "properties": properties}


MODELS = {
    OLD_ID: Model(id=OLD_ID, title="Kling Video O3 Pro Video to Video Edit", by_resolution=(), keeps_audio=False),
    OMNI_ID: Model(id=OMNI_ID, title="Kling Video O3 Omni", by_resolution=("720p", "1080p"), keeps_audio=True),
}


def order_from(model: Model, body: dict[str, Any], *, account: str) -> Order:
    """The order in a submit. What is wrong with it goes along: Oxen.ai says so only when the job runs."""
    problem = _late_problem(model, body)
    images, angles = _pictures(body) if problem is None else ((), ())
    keep_audio = body.get("keep_audio", model.keeps_audio)
    namespace = body.get("target_namespace")
    return Order(
        dialect="oxen",
        account=account,
        billed_to=namespace if isinstance(namespace, str) and namespace else account,
        model=model.id,
        prompt=_text(body, "prompt"),
        input_video=_text(body, "input_video"),
        images=images,
        angles=angles,
        keep_audio=keep_audio is True,
        price_per_s=_PER_SECOND,
        currency="USD",
        parameters=body,
        late_problem=problem and f"Getting model response error: 422 - {problem}",
    )


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _pictures(body: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    elements = body.get("elements") or []
    images = [*(body.get("input_image") or []), *(element["frontal_image_url"] for element in elements)]
    angles = [url for element in elements for url in element.get("reference_image_urls") or []]
    return tuple(images), tuple(angles)


def _late_problem(model: Model, body: dict[str, Any]) -> str | None:
    for name in ("prompt", "input_video"):
        if not _text(body, name).strip():
            return f"{name}: Field required"
    if len(body["prompt"]) > 2500:
        return "prompt: String should have at most 2500 characters"
    images, elements = body.get("input_image") or [], body.get("elements") or []
    if not _are_texts(images):
        return "input_image: Input should be a valid list"
    if not isinstance(elements, list):
        return "elements: Input should be a valid list"
    for n, element in enumerate(elements):
        if not isinstance(element, dict) or not _text(element, "frontal_image_url"):
            return f"elements.{n}.frontal_image_url: Field required"
        angles = element.get("reference_image_urls") or []
        if not _are_texts(angles) or len(angles) > _ANGLES_MAX:
            return f"elements.{n}.reference_image_urls: List should have at most {_ANGLES_MAX} items"
    if len(images) + len(elements) > _REFERENCES_MAX:
        return f"images and elements: at most {_REFERENCES_MAX} in total with a video"
    if not isinstance(body.get("keep_audio", True), bool):
        return "keep_audio: Input should be a valid boolean"
    if model.by_resolution:
        if body.get("video_mode", "edit") != "edit":
            return "video_mode: the sandbox can only edit"
        if body.get("resolution", "1080p") not in model.by_resolution:
            return f"resolution: Input should be one of {', '.join(model.by_resolution)}"
        if body.get("generate_audio"):
            return "generate_audio: must be off when a video is given"
    return None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
