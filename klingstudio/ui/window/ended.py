"""What is said after the window before was ended by a crash, a kill or a power cut."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from klingstudio.life import LOOP_WITHIN, Past
from klingstudio.ui.widgets.notice import Notice

REPORT, CONTINUE, NORMAL = "Copy report…", "Continue", "Start normally"


class Ended(Notice):
    """Calm, above everything, and gone as soon as the person has read it."""

    report_wanted = Signal()
    normal_wanted = Signal()
    """Do what was left undone after crashes in a row."""

    def __init__(self, past: Past, *, going_on: int, waiting: int, parent: QWidget | None = None) -> None:
        """`going_on`, `waiting`: how many edits go on by themselves, and how many wait for the person."""
        super().__init__(parent)
        self.setObjectName("ended")
        if past.is_loop:
            minutes = round(LOOP_WITHIN.total_seconds() / 60)
            self.say(
                "Started with care",
                f"Kling Studio ended unexpectedly {len(past.crashes)} times in {minutes} minutes. So that you can get at"
                " your edits, no clip is played and nothing goes on by itself."
                f" {_kept(going_on, waiting, goes='would go on')}",
                (NORMAL, REPORT),
                tone="warning",
            )
        else:
            hint = _kept(going_on, waiting, goes="goes on" if going_on == 1 else "go on")
            self.say("Kling Studio ended unexpectedly", hint, (CONTINUE, REPORT), tone="neutral")
        self.acted.connect(self._act)

    def _act(self, words: str) -> None:
        if words == REPORT:
            self.report_wanted.emit()
            return
        self.hide()
        if words == NORMAL:
            self.normal_wanted.emit()


def _kept(going_on: int, waiting: int, *, goes: str) -> str:
    parts = [f"{going_on} {goes}"] if going_on else []
    if waiting:
        parts.append(f"{waiting} {'waits' if waiting == 1 else 'wait'} for you")
    return f"Your edits are kept: {', '.join(parts)}." if parts else "Your edits are kept; none was under way."
