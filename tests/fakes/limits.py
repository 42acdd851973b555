"""What an imagined service accepts: the usual numbers, and small ones for clips that are made in a moment."""

from __future__ import annotations

from dataclasses import replace

from klingstudio.domain.media import Limits

LIMITS = Limits(
    clip_min_s=3.0,
    clip_max_s=10.0,
    clip_limit_s=15.0,
    side_min_px=720,
    side_max_px=2160,
    side_limit_px=3840,
    fps_min=24,
    fps_max=60,
    clip_max_bytes=199_999_999,
    references_max=4,
    references_limit=6,
    angles_max=3,
    image_formats=("jpeg", "png"),
    image_min_px=300,
    image_max_bytes=10_000_000,
    image_ratio_max=2.5,
    prompt_max_chars=2500,
    wider_source="its newest page, read 2026-09-01",
)

SMALL = replace(
    LIMITS,
    clip_min_s=0.2,
    clip_max_s=1.0,
    clip_limit_s=1.5,
    side_min_px=64,
    side_max_px=160,
    side_limit_px=320,
    clip_max_bytes=1_000_000,
    image_max_bytes=1_000_000,
)
