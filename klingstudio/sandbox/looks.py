"""What a prompt asks for: colours as functions of colours, what falls through the air, and how sharp the picture is.

A colour function maps red, green and blue between 0 and 1. It is never called for a pixel: the effects sample it into a
small table, so it may be as slow and as readable as it likes.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Colour = tuple[float, float, float]
Grade = Callable[[Colour], Colour]


class Air(StrEnum):
    """What moves through the picture."""

    CLEAR = "clear"
    SNOW = "snow"
    RAIN = "rain"
    EMBERS = "embers"


class Texture(StrEnum):
    """How the picture is drawn, apart from its colours."""

    PLAIN = "plain"
    VIGNETTE = "vignette"
    GRAIN = "grain"
    GLOW = "glow"
    INK = "ink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One thing the sandbox can do to a clip."""

    name: str
    words: str
    """Regular expression that finds the wish in a prompt."""
    grade: Grade
    air: Air = Air.CLEAR
    texture: Texture = Texture.PLAIN


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour, the rest of the first."""
    share = min(max(share, 0.0), 1.0)
    return tuple(a + (b - a) * share for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


def _luma(colour: Colour) -> float:
    red, green, blue = colour
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _scaled(colour: Colour, by: float) -> Colour:
    red, green, blue = colour
    return red * by, green * by, blue * by


def _ramp(value: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    place = min(max((value - low) / (high - low), 0.0), 1.0)
    return place * place * (3 - 2 * place)


def _contrast(colour: Colour, amount: float) -> Colour:
    return tuple(level + (_ramp(level, 0.0, 1.0) - level) * amount for level in colour)  # type: ignore[return-value]


def _duotone(dark: Colour, middle: Colour, light: Colour, level: float) -> Colour:
    return _mix(dark, middle, level * 2) if level < 0.5 else _mix(middle, light, level * 2 - 1)


def _snow(colour: Colour) -> Colour:
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour)
    level = _luma(colour)
    vivid = saturation * (1 - abs(2 * lightness - 1))
    # What grows is green or yellow: the snow lies on it, and brighter ground is whiter ground.
    grown = _ramp(hue, 0.11, 0.17) * (1 - _ramp(hue, 0.42, 0.56)) * _ramp(vivid, 0.03, 0.18)
    lying = _duotone((0.16, 0.21, 0.30), (0.72, 0.80, 0.90), (0.97, 0.985, 1.0), min(level * 1.45, 1.0))
    # A red coat stays red in the snow.
    cold = _mix(colour, (level * 0.95, level * 1.01, min(level * 1.16, 1)), 0.82 - 0.5 * _ramp(vivid, 0.25, 0.6))
    return _mix(_mix(cold, (0.86, 0.91, 0.97), 0.10), lying, grown)


def _night(colour: Colour) -> Colour:
    level = _luma(colour)
    dim = level**1.35
    moon = _duotone((0.012, 0.022, 0.065), (0.13, 0.21, 0.44), (0.58, 0.70, 0.96), dim)
    return _mix(moon, _scaled(colour, 0.42 * (0.35 + dim)), 0.30)


def _sepia(colour: Colour) -> Colour:
    return _mix(_duotone((0.09, 0.05, 0.03), (0.60, 0.44, 0.28), (1.0, 0.94, 0.80), _luma(colour)), colour, 0.06)


def _invert(colour: Colour) -> Colour:
    red, green, blue = colour
    return 1 - red, 1 - green, 1 - blue


def _sunset(colour: Colour) -> Colour:
    level = _luma(colour)
    glow = _duotone((0.11, 0.04, 0.13), (0.84, 0.39, 0.19), (1.0, 0.86, 0.58), level)
    return _mix(_contrast(colour, 0.2), glow, 0.62)


def _rain(colour: Colour) -> Colour:
    level = _luma(colour)
    wet = _duotone((0.05, 0.07, 0.09), (0.34, 0.40, 0.45), (0.78, 0.83, 0.86), level)
    return _mix(_scaled(colour, 0.80), wet, 0.68)


def _noir(colour: Colour) -> Colour:
    return _contrast(_contrast((_luma(colour),) * 3, 0.85), 0.35)


def _poster(colour: Colour) -> Colour:
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour)
    step = round(lightness * 6) / 6
    return colorsys.hls_to_rgb(hue, lightness + (step - lightness) * 0.8, min(saturation * 1.55, 1.0))


def _dream(colour: Colour) -> Colour:
    level = _luma(colour)
    pastel = _duotone((0.30, 0.22, 0.36), (0.80, 0.66, 0.76), (1.0, 0.97, 0.93), level**0.8)
    return _mix(colour, pastel, 0.45)


def _underwater(colour: Colour) -> Colour:
    deep = _duotone((0.0, 0.05, 0.12), (0.04, 0.42, 0.52), (0.66, 0.95, 0.92), _luma(colour))
    return _mix(colour, deep, 0.72)


def _fire(colour: Colour) -> Colour:
    ember = _duotone((0.05, 0.01, 0.01), (0.66, 0.17, 0.04), (1.0, 0.80, 0.42), _luma(colour) ** 1.2)
    return _mix(_contrast(colour, 0.5), ember, 0.70)


def _neon(colour: Colour) -> Colour:
    level = _luma(_contrast(colour, 0.6))
    return _mix(_duotone((0.04, 0.01, 0.13), (0.72, 0.09, 0.62), (0.45, 0.98, 1.0), level), colour, 0.22)


def _autumn(colour: Colour) -> Colour:
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour)
    grown = _ramp(hue, 0.12, 0.18) * (1 - _ramp(hue, 0.42, 0.50)) * _ramp(saturation, 0.05, 0.25)
    turned = colorsys.hls_to_rgb(0.035 + 0.09 * lightness, lightness, min(saturation * 1.25 + 0.1, 1.0))
    return _mix(colour, turned, grown)


def _film(colour: Colour) -> Colour:
    level = _luma(colour)
    toned = _mix(
        _contrast(colour, 0.45), _duotone((0.02, 0.10, 0.13), (0.58, 0.47, 0.38), (1.0, 0.95, 0.84), level), 0.34
    )
    red, green, blue = toned
    return min(red * 1.05 + 0.01, 1.0), green, blue * 0.95


LOOKS = (
    Look(
        name="snow",
        words=r"snow|winter|frost|froz|blizzard|\bice\b|\bicy\b|arctic|christmas",
        grade=_snow,
        air=Air.SNOW,
    ),
    Look(name="night", words=r"\bnight|midnight|moonl|\bdark|starry", grade=_night, texture=Texture.VIGNETTE),
    Look(name="sepia", words=r"sepia|vintage|old film|antique|\b19[0-4]0|western", grade=_sepia, texture=Texture.GRAIN),
    Look(name="invert", words=r"invert|negative|x-?ray", grade=_invert),
    Look(
        name="sunset",
        words=r"sunset|sunrise|golden|\bwarm|\bdusk|\bdawn|desert",
        grade=_sunset,
        texture=Texture.VIGNETTE,
    ),
    Look(name="rain", words=r"\brain|\bstorm|thunder|drizzl|monsoon", grade=_rain, air=Air.RAIN),
    Look(
        name="noir",
        words=r"noir|black[- ]and[- ]white|black & white|\bb&w\b|\bb/w\b|monochrom|gr[ae]yscale|silent film",
        grade=_noir,
        texture=Texture.VIGNETTE,
    ),
    Look(
        name="cartoon",
        words=r"cartoon|anime|comic|poster|drawn|drawing|sketch|illustrat|watercolou?r|paint|pixar|\bcel\b",
        grade=_poster,
        texture=Texture.INK,
    ),
    Look(
        name="dream",
        words=r"dream|\bblur|\bfog|\bmist|\bhaz[ey]|\bsoft|fairy|magic",
        grade=_dream,
        texture=Texture.GLOW,
    ),
    Look(name="underwater", words=r"underwater|under the sea|ocean|aquarium|submerged", grade=_underwater),
    Look(name="fire", words=r"\bfire|flame|burn|\blava|volcan|ember|apocalyp|\bmars\b", grade=_fire, air=Air.EMBERS),
    Look(name="neon", words=r"neon|cyberpunk|synthwave|vaporwave|futurist|sci-?fi", grade=_neon, texture=Texture.GLOW),
    Look(name="autumn", words=r"autumn|\bfall\b|\bfoliage|october", grade=_autumn),
)
"""In the order they are applied where a prompt names several: "a snowy night" is snow, seen at night."""

DEFAULT = Look(name="film", words="", grade=_film, texture=Texture.VIGNETTE)


def looks_for(prompt: str) -> tuple[Look, ...]:
    """What the prompt asks for, at most three looks; a film look where it names none of them."""
    found = [look for look in LOOKS if re.search(look.words, prompt, re.IGNORECASE)]
    return tuple(found[:3]) or (DEFAULT,)


def tinted(palette: Colour, share: float) -> Grade:
    """Pulls the middle tones towards a colour and leaves black and white where they are."""

    def grade(colour: Colour) -> Colour:
        level = _luma(colour)
        return _mix(colour, _duotone((0.0, 0.0, 0.0), palette, (1.0, 1.0, 1.0), level), share)

    return grade


def table(grades: tuple[Grade, ...], steps: int) -> bytes:
    """The grades, one after the other, as 8-bit RGB triples; red runs fastest, then green, then blue."""
    out = bytearray()
    top = steps - 1
    for blue in range(steps):
        for green in range(steps):
            for red in range(steps):
                colour = (red / top, green / top, blue / top)
                for grade in grades:
                    colour = grade(colour)
                out += bytes(min(max(round(level * 255), 0), 255) for level in colour)
    return bytes(out)
