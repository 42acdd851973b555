"""Which key does what, and who may keep a key for itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from klingstudio.ui.player.actions import ACTS, Keep, PlayerActions

_WRITES = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
_KEEPERS: dict[Keep, tuple[type[QWidget], ...]] = {
    Keep.NONE: (),
    Keep.PRESSED: (QAbstractButton, QAbstractItemView, QComboBox),
    Keep.MOVED: (QAbstractItemView, QAbstractSlider, QComboBox),
}
_WRITE_NOTHING = frozenset({"F11"})
"""Keys that a text field has no use for."""

TAP_S = 0.25
"""A key that is let go sooner was tapped, not held."""


class Keys(QObject):
    """Triggers the actions by key in the window of a panel."""

    pressed = Signal(str)
    """Id of the act whose key went down; it is done next."""

    def __init__(self, actions: PlayerActions, panel: QWidget) -> None:
        super().__init__(panel)
        self._shortcuts: list[tuple[QShortcut, str, Keep]] = []
        for act_id in ACTS:
            if act_id not in actions.offered:
                continue
            for key in ACTS[act_id].keys:
                shortcut = QShortcut(QKeySequence(key), panel)
                shortcut.setAutoRepeat(ACTS[act_id].repeats)
                shortcut.activated.connect(partial(self._do, actions[act_id]))
                self._shortcuts.append((shortcut, key, ACTS[act_id].keep))
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_focus)

    def _do(self, action: QAction) -> None:
        if action.isEnabled():
            self.pressed.emit(action.objectName())
            action.trigger()

    def _on_focus(self, _old: QWidget | None, new: QWidget | None) -> None:
        is_writing = isinstance(new, _WRITES) or (isinstance(new, QComboBox) and new.isEditable())
        for shortcut, key, keep in self._shortcuts:
            is_kept = isinstance(new, _KEEPERS[keep]) or (is_writing and key not in _WRITE_NOTHING)
            shortcut.setEnabled(not is_kept)


class HeldKey(QObject):
    """A key that means something as long as it is down."""

    released = Signal(bool)
    """True: it was held, not tapped."""

    def __init__(self, key: Qt.Key, parent: QObject, *, now: Callable[[], float] = time.monotonic) -> None:
        """`now`: monotonic seconds."""
        super().__init__(parent)
        self._key = key
        self._now = now
        self._since: float | None = None

    def press(self) -> None:
        """Its shortcut was activated: from now on look out for the end."""
        app = QApplication.instance()
        if self._since is None and app is not None:
            app.installEventFilter(self)
        self._since = self._now()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        is_key_up = (
            event.type() == QEvent.Type.KeyRelease
            and isinstance(event, QKeyEvent)
            and event.key() == self._key
            and not event.isAutoRepeat()
        )
        # Somebody who changes to another program lets the key go there.
        if (is_key_up or event.type() == QEvent.Type.ApplicationDeactivate) and self._since is not None:
            was_held = self._now() - self._since >= TAP_S
            self._since = None
            app = QApplication.instance()
            if app is not None:
                app.removeEventFilter(self)
            self.released.emit(was_held)
        return False
