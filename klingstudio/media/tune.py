"""The sound of the sample scene: a small melody, a soft chord below it, and footsteps in time with the walk."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from functools import lru_cache

from klingstudio.media.scene import FPS, FRAMES, scattered
from klingstudio.media.walker import CYCLE_FRAMES

RATE = 44_100
LENGTH_S = FRAMES / FPS
STEP_S = CYCLE_FRAMES / 2 / FPS
"""Time between two footsteps; two notes of the melody."""

_MELODY = (76, 79, 81, 79, 84, 83, 79, 76, 77, 81, 84, 86, 84, 81, 79, 83, 84)
"""MIDI numbers, one per half step."""
_CHORDS = ((48, 55, 64), (45, 52, 60), (53, 60, 69), (55, 62, 71), (48, 55, 64))
"""One per two footsteps."""


def sound() -> array[int]:
    """The whole track: signed 16-bit samples, left and right in turn."""
    samples = round(LENGTH_S * RATE)
    left, right = array("d", bytes(8 * samples)), array("d", bytes(8 * samples))
    for index, note in enumerate(_MELODY):
        _pluck((left, right), index * STEP_S / 2, note, 0.34, 0.42 + 0.16 * (index % 2))
    for index, chord in enumerate(_CHORDS):
        for place, note in enumerate(chord):
            _pad((left, right), index * STEP_S * 2, STEP_S * 2.2, note, 0.07, 0.3 + 0.2 * place)
    for index in range(int(LENGTH_S / STEP_S) + 1):
        _footstep((left, right), index * STEP_S, index)
    return _interleaved(left, right)


Ears = tuple["array[float]", "array[float]"]


def _add(ears: Ears, at: int, wave: Sequence[float], place: float) -> None:
    left, right = ears
    to_right, to_left = place, 1 - place
    for index, value in enumerate(wave[: max(0, len(left) - at)], at):
        left[index] += value * to_left
        right[index] += value * to_right


def _frequency(note: int) -> float:
    return 440.0 * math.pow(2.0, (note - 69) / 12)


def _pluck(ears: Ears, start_s: float, note: int, loudness: float, place: float) -> None:
    _add(ears, int(start_s * RATE), _pluck_wave(note, loudness), place)


# Notes come back, and computing one takes longer than everything else that is done with it.
@lru_cache(maxsize=32)
def _pluck_wave(note: int, loudness: float) -> tuple[float, ...]:
    turn = math.tau * _frequency(note) / RATE
    fades = [loudness * math.exp(-n / RATE * 5.5) * min(1.0, n / 180) for n in range(int(0.6 * RATE))]
    return tuple(fade * (math.sin(turn * n) + 1.2 * fade * math.sin(2 * turn * n)) for n, fade in enumerate(fades))


def _pad(ears: Ears, start_s: float, length_s: float, note: int, loudness: float, place: float) -> None:
    _add(ears, int(start_s * RATE), _pad_wave(int(length_s * RATE), note, loudness), place)


@lru_cache(maxsize=32)
def _pad_wave(samples: int, note: int, loudness: float) -> tuple[float, ...]:
    turn = math.tau * _frequency(note) / RATE
    swell = math.pi / samples
    return tuple(loudness * math.sin(swell * n) * math.sin(turn * n) for n in range(samples))


def _footstep(ears: Ears, start_s: float, index: int) -> None:
    hiss = scattered(index + 1)
    low = 0.0
    wave = []
    for n in range(int(0.11 * RATE)):
        low += 0.16 * (next(hiss) * 2 - 1 - low)
        fade = math.exp(-n / RATE * 46) * min(1.0, n / 60)
        wave.append(0.8 * low * fade + 0.16 * math.sin(math.tau * 72 * n / RATE) * fade)
    _add(ears, int(start_s * RATE), wave, 0.45 + 0.1 * (index % 2))


def _interleaved(left: array[float], right: array[float]) -> array[int]:
    track = array("h", bytes(4 * len(left)))
    tail = int(0.25 * RATE)
    for index, (a, b) in enumerate(zip(left, right, strict=True)):
        # The last quarter of a second fades out: a cut would click.
        fade = min(1.0, (len(left) - index) / tail)
        track[2 * index] = round(32_000 * math.tanh(a * fade))
        track[2 * index + 1] = round(32_000 * math.tanh(b * fade))
    return track
