"""A clip in figures."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klingstudio.domain.media import ClipFacts

_CODECS = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1", "prores": "ProRes", "mpeg4": "MPEG-4"}


def facts_lines(facts: ClipFacts) -> str:
    """`12.4 s · 3840×2160 · 29.97 fps` and, below, `HEVC HDR · sound · 48 MB`."""
    seen = [length(facts.duration_s), f"{facts.width_px}×{facts.height_px}", f"{float(facts.fps):.4g} fps"]
    codec = _CODECS.get(facts.video_codec, facts.video_codec)
    inside = [f"{codec} HDR" if facts.is_hdr else codec, "sound" if facts.audio_codec else "no sound"]
    return " · ".join(seen) + "\n" + " · ".join([*inside, size(facts.size_bytes)])


def length(length_s: float) -> str:
    """`12.4 s`, or `30:00` where seconds alone would have to be converted in the head."""
    minutes, seconds = divmod(round(length_s), 60)
    return f"{length_s:.1f} s" if length_s < 100 else f"{minutes}:{seconds:02}"


def size(size_bytes: int) -> str:
    """`0.4 MB`, `48 MB`, `1.2 GB`."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 1e7 else f"{max(size_bytes / 1e6, 0.1):.1f} MB"


def plan_markup(steps: Sequence[str], ink: str) -> str:
    """What changes, the outcome of each change in bold and in this colour."""
    return " · ".join(_step(step, ink) for step in steps)


def _step(step: str, ink: str) -> str:
    before, arrow, after = step.partition(" → ")
    outcome = f'<b style="color:{ink}">{escape(after if arrow else step)}</b>'
    return f"{escape(before)} → {outcome}" if arrow else outcome
