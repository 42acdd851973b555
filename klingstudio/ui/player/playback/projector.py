"""What is on screen: the exact pair if both pictures are there, else a pair of drafts where that helps, else what was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from klingstudio.media.decode_pixels import Picture
from klingstudio.ui.player.playback.ahead import AHEAD, BACK, steps_ahead, steps_around, steps_to_play
from klingstudio.ui.player.playback.laid import Laid
from klingstudio.ui.player.playback.pair import Pair, Side

PATIENCE_MS = 40
"""After a jump the exact pictures are waited for this long before drafts are shown: most often they are quicker."""

REST_MS = 100
"""A playhead that was not moved for this long rests."""

LOST_STEPS = 15
"""So far behind the clock nothing is shown in turn any more: it goes on with what is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What is due now, and what comes next."""

    step: int
    rate: float
    """Kept while it stands."""
    is_running: bool
    is_playing: bool
    """True also while the clock waits to run."""
    loop: range | None
    """Where it begins again; None: it ends."""

    @property
    def is_plain(self) -> bool:
        """Forwards, no faster than the clip was taken: every picture can be exact."""
        return self.is_running and 0 < self.rate <= 1


class Projector(QObject):
    """Asks the clips for pictures and publishes pairs. Only pictures of frames that belong together are ever shown."""

    shown = Signal(object)  # Pair
    wants_to_look = Signal()
    """Waiting has come to an end: `look` would do something else by now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pair: Pair | None = None
        """What was published last, unless other clips have come since."""
        self.is_final = False
        """What is shown is exact and has the size that is wanted."""
        self._laid: Laid | None = None
        self._box = (0, 0)
        self._pending: int | None = None
        """The step that is being waited for. It stays until it is complete, so that late decoding still shows progress."""
        self._catches_up = False
        """The clock jumped, and no exact pair was shown since."""
        self._is_hurrying = False
        """The playhead is being dragged right now."""
        self._is_resting = False
        """It has stayed about here for a moment."""
        self._goes_back = False
        """The last step was one back: room for frames is for those behind."""
        self._has_other_size = False
        """What is shown was made for another size."""
        self._looks = 0
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self.wants_to_look)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._on_rest)

    def put_on(self, laid: Laid | None) -> None:
        """Show these clips from now on."""
        self._laid = laid
        self._catches_up = False
        self.pair = None
        self.is_final = False
        self.jump()

    def set_box(self, box: tuple[int, int]) -> bool:
        """The size in device pixels that one picture has on screen. False: it has it already."""
        if box == self._box:
            return False
        self._box, self._pending = box, None
        self.is_final, self._has_other_size = False, True
        return True

    def jump(self) -> None:
        """The clock is somewhere else. What was asked for before is forgotten; drafts may help out."""
        self.step()
        # Who looks here and there would wait for what is made ready in places that are left already.
        self._is_resting = False
        self._rest.start()

    def step(self) -> None:
        """The same, to a place nearby: more of these will follow, back as well as forward."""
        self._rest.stop()
        self._is_hurrying, self._is_resting, self._goes_back = False, True, False
        if not self._catches_up:
            # Once only: who goes on and on must not wait for a picture all the time.
            self._patience.start()
        self._pending, self._catches_up = None, True

    def step_back(self) -> None:
        """The same, back. What is not there yet takes everything from a key frame on: drafts come without waiting."""
        self.step()
        self._goes_back = True
        self._patience.stop()

    def hurry(self) -> None:
        """The playhead is being dragged: drafts first. Where there are none, each picture is finished before the next."""
        self._is_hurrying, self._is_resting = True, False
        self._rest.start()

    def turn(self) -> None:
        """It goes on from here in another way."""
        self._pending = None

    def is_short(self, aim: Aim) -> bool:
        """True when in plain play a picture was passed over, or soon will be: not even half of what comes next is there."""
        laid = self._laid
        if laid is None or not aim.is_plain:
            return False
        if self.pair is not None and aim.step > self.pair.step + 1:
            return True
        ahead = steps_ahead(aim.step, aim.rate, laid.timeline.count, aim.loop)
        return not all(_is_there(laid, step) for step in ahead[: 1 + AHEAD // 2])

    def look(self, aim: Aim) -> None:
        """Show what is due if it is complete, and ask for what is missing."""
        laid = self._laid
        if laid is None or not laid.timeline.count or min(self._box) < 1:
            return
        self._looks += 1
        look = self._looks
        # The second time: what had been waited for was shown, and something else is due by now.
        for _ in range(2):
            self._choose(laid, aim)
            # First of all: pictures of another size are forgotten by asking for this one.
            self._request(laid, aim)
            if self._pending is None or not self._show(laid, aim, self._pending):
                return
            if look != self._looks:
                # Whoever saw the pair has made the player look anew.
                return
        self._request(laid, aim)

    def _on_rest(self) -> None:
        if self._is_hurrying:
            self._is_hurrying, self._catches_up, self._pending = False, True, None
        self._is_resting = True
        self.wants_to_look.emit()

    def _may_draft(self, aim: Aim) -> bool:
        if aim.is_running and not aim.is_plain:
            return True
        return self._is_hurrying or (self._catches_up and not self._patience.isActive())

    def _choose(self, laid: Laid, aim: Aim) -> None:
        """What to wait for."""
        if self._pending is None:
            is_shown = self.pair is not None and self.pair.step == aim.step
            if is_shown and self.is_final:
                self._catches_up = False
            if not is_shown or self._has_other_size or not (self.is_final or aim.is_running):
                self._pending = self._in_turn(laid, aim)
        elif aim.step != self._pending and self._may_draft(aim) and _drafts(laid, aim.step) is not None:
            self._pending = aim.step

    def _in_turn(self, laid: Laid, aim: Aim) -> int:
        """What is due, or where pictures are late what they have come to: none that was decoded is passed over."""
        if self.pair is None or not aim.is_plain or self._catches_up or aim.step <= self.pair.step:
            return aim.step
        if aim.step > self.pair.step + LOST_STEPS:
            self._catches_up = True
            return aim.step
        next_step = self.pair.step + 1
        return next((step for step in range(aim.step, next_step, -1) if _is_there(laid, step)), next_step)

    def _request(self, laid: Laid, aim: Aim) -> None:
        base = self._pending
        if base is None:
            base = aim.step if self.pair is None else self.pair.step
        back = 0
        if self._is_hurrying:
            steps = [base] if _drafts(laid, base) is None else []
        elif aim.is_playing:
            steps = steps_ahead(base, aim.rate, laid.timeline.count, aim.loop)
            back = BACK if aim.rate < 0 else 0
        else:
            around = steps_to_play if self._is_resting and not self._goes_back else steps_around
            steps = around(base, laid.timeline.count)
            # Asked for together: on the way to the picture, what lies behind it comes by for next to nothing.
            back = BACK if self._is_resting else 0
        frames = laid.frames(steps)
        for side, deck in laid.sides.items():
            deck.request(frames[side], self._box, back)

    def _show(self, laid: Laid, aim: Aim, step: int) -> bool:
        """Publish a step that is waited for, if it can be. True: it is waited for no more."""
        exact = _exact(laid, step)
        if exact is not None:
            self._pending, self.is_final, self._catches_up = None, True, False
            self._patience.stop()
            self._publish(laid, step, exact)
            return True
        is_shown = self.pair is not None and self.pair.step == step
        drafts = None if is_shown or not self._may_draft(aim) else _drafts(laid, step)
        if drafts is None:
            return False
        if aim.is_running:
            self._pending = None
        at, pictures = drafts
        if self.pair is None or self.pair.step != at:
            self.is_final = False
            self._publish(laid, at, pictures)
        return aim.is_running

    def _publish(self, laid: Laid, step: int, pictures: Mapping[Side, Picture]) -> None:
        self._has_other_size = False
        self.pair = Pair(
            step=step,
            count=laid.timeline.count,
            time_s=laid.timeline.time_s(step),
            before=pictures.get(Side.BEFORE),
            after=pictures.get(Side.AFTER),
        )
        self.shown.emit(self.pair)


def _is_there(laid: Laid, step: int) -> bool:
    """True when all clips have the exact picture of a step."""
    frames = ((deck, laid.frame(side, step)) for side, deck in laid.sides.items())
    return all(frame is not None and deck.has(frame) for deck, frame in frames)


def _exact(laid: Laid, step: int) -> dict[Side, Picture] | None:
    """The pictures of a step from all clips, or nothing."""
    if not _is_there(laid, step):
        return None
    pictures: dict[Side, Picture] = {}
    for side, deck in laid.sides.items():
        frame = laid.frame(side, step)
        picture = None if frame is None else deck.picture(frame)
        if picture is None:
            # Between the two questions the decoder has given it up.
            return None
        pictures[side] = picture
    return pictures


def _drafts(laid: Laid, step: int) -> tuple[int, dict[Side, Picture]] | None:
    """Drafts that belong together, and their step: another one than asked for where only some frames have drafts."""
    leading = laid.leader.draft(laid.timeline.leading_frame(step))
    at = -1 if leading is None else leading.index - laid.timeline.first
    if leading is None or at < 0 or (at != step and laid.leader.survey_progress < 1):
        return None
    pictures = {laid.leading_side: leading}
    if laid.follower is not None:
        partner = laid.followed(leading.index)
        following = laid.follower.draft(partner)
        if following is None or following.index != partner:
            return None
        pictures[laid.leading_side.other] = following
    return at, pictures
