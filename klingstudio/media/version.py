"""Which FFmpeg reads and writes the media here."""

from __future__ import annotations


def ffmpeg_version() -> str:
    """As it says itself."""
    import av

    return str(av.ffmpeg_version_info)
