"""What is the same wherever the model is hosted: its own limits, and the order in which pictures are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from klingstudio.domain.job import Asset
from klingstudio.domain.media import Limits
from klingstudio.domain.request import Request

O3_LIMITS = Limits(
    # Kling's own O3 specification and the services' pages of the edit agree on the `_max` numbers; read 2026-11-20.
    # A service whose page goes beyond them replaces the `_limit` numbers and names the page.
    clip_min_s=3.0,
    clip_max_s=10.0,
    clip_limit_s=10.0,
    side_min_px=720,
    side_max_px=2160,
    side_limit_px=2160,
    fps_min=24,
    fps_max=60,
    # "200 MB" may mean 200 × 10⁶; one byte less is right either way.
    clip_max_bytes=199_999_999,
    references_max=4,
    references_limit=4,
    angles_max=3,
    image_formats=("jpeg", "png"),
    image_min_px=300,
    image_max_bytes=10_000_000,
    image_ratio_max=2.5,
    prompt_max_chars=2500,
    wider_source="",
)


@dataclass(frozen=True, slots=True)
class Element:
    """The addresses of one element's pictures."""

    frontal: str
    angles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The addresses that go into an order."""

    clip: str
    images: tuple[str, ...]
    elements: tuple[Element, ...]


def inputs(request: Request, assets: Sequence[Asset]) -> Inputs:
    """`assets` by what they are: the clip, then the images, then of each element its front and its angles."""
    urls = iter([asset.url for asset in assets])
    return Inputs(
        clip=next(urls),
        images=tuple(next(urls) for _ in request.images),
        elements=tuple(Element(next(urls), tuple(next(urls) for _ in element.angles)) for element in request.elements),
    )
