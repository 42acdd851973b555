"""The three seconds after Generate in which it can be taken back: nothing is recorded and nothing leaves before they end."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

SECONDS = 3
TICK_MS = 1000


class SendGrace(QObject):
    """Holds one wish back. It lives in memory only: closing the program takes it back as well."""

    changed = Signal()
    """One second less, taken back, or sent."""

    def __init__(self, parent: QObject | None = None, *, tick_ms: int = TICK_MS) -> None:
        super().__init__(parent)
        self._send: Callable[[], None] | None = None
        self._left = 0
        self._timer = QTimer(self)
        self._timer.setInterval(tick_ms)
        self._timer.timeout.connect(self.tick)

    @property
    def left(self) -> int:
        """Seconds until it is sent; 0 while nothing is held back."""
        return self._left

    def hold(self, send: Callable[[], None]) -> None:
        """Call `send` when the time is over. What it sends was frozen before, and does not change any more."""
        self._send, self._left = send, SECONDS
        self._timer.start()
        self.changed.emit()

    def take_back(self) -> bool:
        """Forget the wish; False where there was none."""
        if not self._left:
            return False
        self._end()
        self.changed.emit()
        return True

    def tick(self) -> None:
        """A second has passed."""
        if not self._left:
            return
        if self._left > 1:
            self._left -= 1
            self.changed.emit()
            return
        send = self._end()
        if send is not None:
            send()
        self.changed.emit()

    def _end(self) -> Callable[[], None] | None:
        self._timer.stop()
        send, self._send, self._left = self._send, None, 0
        return send
