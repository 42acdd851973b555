"""Facts of a clip or picture, the limits a provider sets, and the plan that makes one fit the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from klingstudio.domain.errors import InputRefused, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFacts:
    """What a video file really is, measured from its packets and first frame, not believed from its header."""

    container: str
    """Demuxer name, for example `mov,mp4,m4a,3gp,3g2,mj2`."""
    video_codec: str
    width_px: int
    """Displayed width: rotation is already taken into account."""
    height_px: int
    rotation_deg: int
    """Clockwise turn that a player applies: 0, 90, 180 or 270."""
    fps: Fraction
    """Mean frames per second."""
    is_variable_rate: bool
    frame_count: int
    duration_s: float
    """Of the video stream, from first presentation time to the end of the last frame."""
    pixel_format: str
    bit_depth: int
    is_hdr: bool
    audio_codec: str | None
    audio_duration_s: float | None
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What a picture file really is."""

    format: str
    """`jpeg`, `png` or `webp`, by content."""
    width_px: int
    height_px: int
    size_bytes: int
    sha256: str = ""
    """Of the content: two files with the same one are the same picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a provider's edit accepts. Each set of numbers is written, with source and date, beside its provider.

    Documents of one model disagree. A `_max` is what all of them accept, and what the program chooses by itself; a
    `_limit` is the most that one of the provider's own documents accepts: sent when it is asked for, with a caution.
    """

    clip_min_s: float
    clip_max_s: float
    clip_limit_s: float
    side_min_px: int
    side_max_px: int
    side_limit_px: int
    """Used where no size up to `side_max_px` exists for the shape of a clip."""
    fps_min: int
    fps_max: int
    clip_max_bytes: int
    """The largest size that is accepted, in bytes."""
    references_max: int
    """Images and elements together."""
    references_limit: int
    angles_max: int
    image_formats: tuple[str, ...]
    """Of `IMAGE_FORMATS`, what the provider takes; a picture in another one is converted before the upload."""
    image_min_px: int
    image_max_bytes: int
    image_ratio_max: float
    """Longer side divided by shorter side."""
    prompt_max_chars: int
    wider_source: str
    """The document that has the `_limit` numbers, and the day it was read; empty where none goes beyond the others."""


class Doubt(StrEnum):
    """What one document of a provider accepts and another does not."""

    CLIP_LONG = "clip_long"
    CLIP_LARGE = "clip_large"
    REFERENCES_MANY = "references_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """Something that is sent although the provider may refuse it. `ui/text.py` words it."""

    doubt: Doubt
    subject: str
    """The place it belongs to: `source`, `image:5`, `element:2`."""
    value: str
    """What is sent: `12.0 s`."""
    limit: str
    """What every document accepts: `10 s`."""
    source: str
    """The document that accepts it, and the day it was read."""


SOURCE_MAX_S = 60 * 60.0
"""A source longer than an hour is refused: counting its packets would keep the person waiting for a 10 s clip."""

IMAGE_MAX_PIXELS = 64_000_000
"""A picture that decodes to more is refused from its header: 64 megapixels are 256 MB in memory."""

IMAGE_FORMATS = ("jpeg", "png", "webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """The part of the source that is used, in seconds of the source's own time."""

    start_s: float
    end_s: float


class Framing(StrEnum):
    """What is done with a picture whose shape the provider does not take."""

    SCALE = "scale"
    """All of it, in its own shape; refused where no legal size has that shape."""
    PAD = "pad"
    """All of it, with black bars where it is too narrow."""
    CROP = "crop"
    """The middle of it, cut to a legal shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureEdit:
    """What is done to a reference picture before it is sent, in this order: turned, cropped, padded, scaled."""

    turn_deg: int = 0
    """Clockwise: 0, 90, 180 or 270, after the turn that the file itself asks for."""
    left: float = 0.0
    """The crop, as parts of the width and height of the turned picture."""
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    pad_ratio: float | None = None
    """Padded until the longer side divided by the shorter is at most this."""
    least_px: int = 0
    """Enlarged until the shorter side has this many pixels."""
    max_bytes: int = 0
    """Made smaller until the file has at most this many bytes; 0: as large as it gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """How a source becomes a clip that the provider accepts. `is_identity` means: send the file byte for byte."""

    start_s: float
    end_s: float
    width_px: int
    height_px: int
    fps: Fraction
    is_identity: bool
    steps: tuple[str, ...]
    """What changes, in the user's words: `12.4 s → 10.0 s`, `3840×2160 → 1920×1080`. Empty when nothing does."""
    framing: Framing = Framing.SCALE
    """What is really done: a shape that the provider takes is only scaled, whatever was asked for."""
    picture_px: tuple[int, int] | None = None
    """Width and height that the whole picture is scaled to, laid over the middle of the clip: what is narrower gets
    bars, what is wider is cut. None: exactly the size of the clip."""
    keeps_picture: bool = False
    """True: only the container or the sound changes. The pictures are taken over as they are where that is safe."""

    @property
    def duration_s(self) -> float:
        """Length of the clip in seconds."""
        return self.end_s - self.start_s


TOLERANCE_S = 0.001
"""A 10 s clip of 25 fps whose last frame ends at 10.0000001 s is not too long."""


def clip_cautions(plan: FitPlan, limits: Limits) -> tuple[Caution, ...]:
    """What of this clip only some documents of the provider accept."""
    found = []
    if plan.duration_s > limits.clip_max_s + TOLERANCE_S:
        found.append((Doubt.CLIP_LONG, f"{plan.duration_s:.1f} s", f"{limits.clip_max_s:g} s"))
    if max(plan.width_px, plan.height_px) > limits.side_max_px:
        found.append((Doubt.CLIP_LARGE, f"{plan.width_px}×{plan.height_px} px", f"{limits.side_max_px} px"))
    return tuple(
        Caution(doubt=doubt, subject="source", value=value, limit=limit, source=limits.wider_source)
        for doubt, value, limit in found
    )


def check_image(facts: ImageFacts, limits: Limits, subject: str) -> None:
    """Refuse a picture that the provider would refuse after the upload.

    Raises:
        InputRefused: naming the value and the limit, at `subject`.
    """
    shorter, longer = sorted((facts.width_px, facts.height_px))
    size = f"{facts.width_px}×{facts.height_px} px"
    if facts.width_px * facts.height_px > IMAGE_MAX_PIXELS:
        raise InputRefused(Kind.IMAGE_TOO_LARGE, f"{size}; the most is {IMAGE_MAX_PIXELS:,} pixels", subject=subject)
    if shorter < limits.image_min_px:
        raise InputRefused(
            Kind.IMAGE_TOO_SMALL, f"{size}; each side must be at least {limits.image_min_px} px", subject=subject
        )
    if longer > shorter * limits.image_ratio_max:
        raise InputRefused(Kind.IMAGE_BAD_RATIO, f"{size}; the most is {limits.image_ratio_max:g} : 1", subject=subject)
    check_image_size(facts.size_bytes, limits, subject)


def check_image_size(size_bytes: int, limits: Limits, subject: str) -> None:
    """Refuse a picture file that is too large, as it is or as it was made anew.

    Raises:
        InputRefused: naming the value and the limit, at `subject`.
    """
    if size_bytes > limits.image_max_bytes:
        raise InputRefused(
            Kind.IMAGE_TOO_HEAVY,
            f"{size_bytes / 1e6:.1f} MB; the most is {limits.image_max_bytes / 1e6:g} MB",
            subject=subject,
        )
