"""One open clip in the player: its exact pictures, its drafts, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from klingstudio.media.decode import ClipDecoder, Event, Opened
from klingstudio.media.decode_pixels import Picture, Shape
from klingstudio.media.signature import Signature
from klingstudio.media.source_file import Stamp, stamp_of
from klingstudio.media.survey import ClipSurvey, Surveyed
from klingstudio.ui.player.playback.timeline import Track

OPEN_AT_MOST = 3
"""Clips that are open together: a source and two takes can be exchanged at once. Each costs what its decoder and drafts keep."""

_DRAFTS_KEPT = 2
"""Drafts stay unpacked until the next but one: they are asked for more than once while one is waited for."""

News = Event | Surveyed
Tell = Callable[["Deck", News], None]


class Deck:
    """A clip from the moment its file is being opened. Knows neither its side nor the other clip.

    `tell` is called on threads of the clip.
    """

    def __init__(self, path: Path, tell: Tell) -> None:
        self.path = path
        self._stamp = _stamp(path)
        self._tell = tell
        self.track: Track | None = None
        """None until the file is open, and again when it turned out to be unplayable."""
        self.has_complained = False
        """A problem of this clip was reported."""
        self.surveyed = 0
        """Frames from the start that the survey has looked at."""
        self._shape: Shape | None = None
        self._survey: ClipSurvey | None = None
        self._is_survey_held = False
        self._asked: tuple[tuple[int, ...], tuple[int, int], int] | None = None
        self._unpacked: dict[int, Picture] = {}
        self._decoder = ClipDecoder(path, self._on_event)

    # What is known

    @property
    def is_opening(self) -> bool:
        """True until the file is open or refused."""
        return self.track is None and not self.has_complained

    def has_opened(self, opened: Opened) -> None:
        """Take in what the decoder found."""
        self.track = Track(index=opened.index, playable=len(opened.index))
        self._shape = opened.shape

    def has_broken(self, playable: int) -> None:
        """Take in how many frames from the start can be shown after all."""
        self.has_complained = True
        self.track = replace(self.track, playable=playable) if self.track is not None and playable else None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height as it is meant to be shown, in its own pixels; None while it is not open."""
        return None if self._shape is None else (self._shape.width_px, self._shape.height_px)

    def is_as_it_was(self) -> bool:
        """False when another file lies at its path by now."""
        return self._stamp is not None and self._stamp == _stamp(self.path)

    # Exact pictures

    def request(self, frames: tuple[int, ...], box: tuple[int, int], back: int) -> None:
        """Ask the decoder, unless that is what it was asked last."""
        asked = frames, box, back
        if asked != self._asked:
            self._asked = asked
            self._decoder.request(frames, box, back=back)

    def has(self, frame: int) -> bool:
        """True when the exact picture is there."""
        return self._decoder.has(frame)

    def picture(self, frame: int) -> Picture | None:
        """The exact picture, if it is there."""
        return self._decoder.picture(frame)

    # The survey

    def start_survey(self) -> None:
        """Let drafts and signatures be made, if they are not already."""
        if self._survey is None and self.track is not None and self._shape is not None:
            self._survey = ClipSurvey(self.path, self.track.index, self._shape, self._on_event, stamp=self._stamp)
            self._survey.hold(self._is_survey_held)

    def hold_survey(self, is_held: bool) -> None:
        """Keep the survey from using the machine for the moment, or let it go on."""
        if is_held != self._is_survey_held:
            self._is_survey_held = is_held
            if self._survey is not None:
                self._survey.hold(is_held)

    @property
    def survey_progress(self) -> float:
        """From 0 to 1."""
        return 0.0 if self._survey is None else self._survey.progress

    @property
    def survey(self) -> ClipSurvey | None:
        """None until it was started."""
        return self._survey

    def signature(self, frame: int) -> Signature | None:
        """What a frame looks like, if it was looked at."""
        return None if self._survey is None else self._survey.signature(frame)

    def draft(self, frame: int) -> Picture | None:
        """The draft of a frame; of the nearest kept one before it where not all are kept, or not yet."""
        if self._survey is None:
            return None
        if frame not in self._unpacked:
            picture = self._survey.draft(frame)
            if picture is None:
                return None
            if picture.index != frame and self.survey_progress < 1:
                return picture
            self._unpacked[frame] = picture
            while len(self._unpacked) > _DRAFTS_KEPT:
                del self._unpacked[next(iter(self._unpacked))]
        return self._unpacked[frame]

    # Ending

    def rest(self) -> None:
        """Stay open, and use the machine no more."""
        if self._asked is not None:
            _, box, _ = self._asked
            self.request((), box, 0)
        self.hold_survey(True)

    def stop(self) -> None:
        """Let its threads close the file and end."""
        self._decoder.stop()
        if self._survey is not None:
            self._survey.stop()

    def is_running(self) -> bool:
        """False once the file is closed."""
        return self._decoder.is_running() or (self._survey is not None and self._survey.is_running())

    def close(self) -> None:
        """Stop, and wait until the file is closed."""
        self.stop()
        self._decoder.close()
        if self._survey is not None:
            self._survey.close()

    def _on_event(self, event: News) -> None:
        self._tell(self, event)


class Shelf:
    """Clips that were taken away a moment ago and may come back."""

    def __init__(self) -> None:
        self._decks: list[Deck] = []

    def put(self, deck: Deck) -> None:
        """Keep a clip open but quiet. One that is damaged is better opened anew."""
        if deck.has_complained or deck.is_opening:
            deck.stop()
        else:
            deck.rest()
            self._decks.append(deck)

    def take(self, path: Path) -> Deck | None:
        """A clip that is still open, if its file has not been replaced."""
        deck = next((deck for deck in reversed(self._decks) if deck.path == path), None)
        if deck is None:
            return None
        self._decks.remove(deck)
        if not deck.is_as_it_was():
            deck.stop()
            return None
        deck.hold_survey(False)
        return deck

    def drop(self, deck: Deck) -> None:
        """It turned out to be damaged."""
        if deck in self._decks:
            self._decks.remove(deck)
            deck.stop()

    def keep(self, room: int) -> None:
        """Close those that were put here first until there are no more than this."""
        while len(self._decks) > max(room, 0):
            self._decks.pop(0).stop()


def still_open(decks: Iterable[Deck]) -> list[Deck]:
    """Those whose files may still be open."""
    return [deck for deck in decks if deck.is_running()]


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp_of(path.stat())
    except OSError:
        return None
