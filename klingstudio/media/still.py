"""One frame of a clip as a picture to keep: every pixel the clip has, in the colours that the player shows."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media.decode_file import ClipFile
from klingstudio.media.decode_pixels import Picture
from klingstudio.media.decode_scale import Painter, Scaler


def full_frame(path: Path, index: int) -> Picture:
    """The frame with this number, upright, with square pixels, at the clip's own size. Takes up to seconds.

    Raises:
        InputRefused: the file cannot be read, or the frame does not come out of its data.
    """
    from av.video.reformatter import Interpolation

    accurate = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
    accurate |= Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
    with closing(ClipFile(path, lambda: False)) as clip:
        clip.open()
        size = clip.shape.width_px, clip.shape.height_px
        scaler = Scaler(clip.shape, pixel_format="bgra", interpolation=accurate, hdr_side_px=max(size))
        if 0 <= index < len(clip.index):
            for number, frame in clip.frames(index, index):
                if number == index:
                    return Painter().picture(scaler.scaled(frame, size), index, clip.index.time_s(index))
    raise InputRefused(Kind.SOURCE_DAMAGED, f"frame {index + 1} cannot be decoded", subject="source")
