"""What an imagined service accepts: the usual numbers, and small ones for clips that are made in a moment."""

from __future__ import annotations

from dataclasses import replace

from klingstudio.providers.kling import O3_LIMITS

LIMITS = replace(
    O3_LIMITS,
    clip_limit_s=15.0,
    side_limit_px=3840,
    references_limit=6,
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
