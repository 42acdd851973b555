"""The whole of the window while the studio cannot be opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QMenu, QVBoxLayout, QWidget

from klingstudio.domain.errors import Problem
from klingstudio.ui import text, theme
from klingstudio.ui.takes.words import when
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.icons import Button, IconLabel
from klingstudio.ui.widgets.labels import announce, label

if TYPE_CHECKING:
    from klingstudio.domain.job import Job
    from klingstudio.store.backups import Backup
    from klingstudio.store.rescue import Rescue, Way

EMPTY, EMPTY_SURE = "Begin with an empty list…", "Yes, begin with an empty list"
"""The second press does it."""
KEEP = "Keep the list as it is"
OTHERS = "Another backup"
ROWS_SHOWN = 5


class FailurePage(QWidget):
    """The studio could not be opened: what happened and what to do, calmly."""

    retry_wanted = Signal()
    quit_wanted = Signal()
    way_wanted = Signal(object, object)
    """Way, and the path of the backup where it is that way."""

    def __init__(self, problem: Problem, rescue: Rescue | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", "window")
        sentence = text.sentence(replace(problem, detail=""))
        inside = QWidget(self)
        inside.setMaximumWidth(theme.px(520))
        heading = label(sentence.title, "heading", wraps=True, parent=inside)
        hint = label(sentence.hint, wraps=True, parent=inside)
        detail = label(problem.detail, "faint", wraps=True, parent=inside)
        detail.setVisible(bool(problem.detail))
        self._means = label("", "secondary", wraps=True, parent=inside)
        for one in (heading, hint, detail, self._means):
            one.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.ways: list[Button] = []
        """What else can be done, the best first."""
        self._buttons = QWidget(inside)
        self._flow = FlowLayout(self._buttons, gap=theme.px(theme.BETWEEN))
        if rescue is not None:
            self._offer(rescue)
        self._means.setVisible(bool(self._means.text()))
        self.retry = self._button("Try again", self.retry_wanted.emit)
        self._button("Quit", self.quit_wanted.emit)
        column = QVBoxLayout(inside)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addWidget(IconLabel("info", "secondary", theme.BIG_ICON), alignment=Qt.AlignmentFlag.AlignHCenter)
        for one in (heading, hint, detail, self._means):
            column.addWidget(one)
        column.addSpacing(theme.px(theme.BETWEEN))
        column.addWidget(self._buttons, alignment=Qt.AlignmentFlag.AlignHCenter)
        if rescue is not None and rescue.jobs:
            column.addSpacing(theme.px(theme.BETWEEN))
            above = label(text.still_readable(len(rescue.jobs)), "secondary", wraps=True, parent=inside)
            above.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(above)
            column.addWidget(_listing(rescue.jobs, inside))
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(inside, stretch=4)
        row.addStretch(1)
        outside = QVBoxLayout(self)
        outside.addStretch()
        outside.addLayout(row)
        outside.addStretch()
        self.setAccessibleName(sentence.title)
        said = (sentence.hint, problem.detail, self._means.text())
        self.setAccessibleDescription(" ".join(part for part in said if part))

    def _offer(self, rescue: Rescue) -> None:
        means = []
        for way in rescue.ways:
            match way.value:
                case "backup":
                    newest, *others = rescue.backups
                    self._way(text.restore_backup(newest.jobs, _of(newest)), partial(self._choose, way, newest))
                    if others:
                        self._way(OTHERS, lambda: None).setMenu(self._menu(way, others))
                case "as-it-is":
                    self._way(KEEP, partial(self._choose, way, None))
                case _:
                    self._way(EMPTY, partial(self._ask, way))
            means.append(text.way_means(way.value))
        self._means.setText(" ".join(means))

    def _menu(self, way: Way, backups: list[Backup]) -> QMenu:
        menu = QMenu(self)
        for backup in backups:
            menu.addAction(text.backup(backup.jobs, _of(backup)), partial(self._choose, way, backup))
        return menu

    def _choose(self, way: Way, backup: Backup | None) -> None:
        self._buttons.setEnabled(False)
        self.way_wanted.emit(way, backup.path if backup is not None else None)

    def _ask(self, way: Way) -> None:
        (button,) = self.ways
        if button.text() == EMPTY_SURE:
            self._choose(way, None)
            return
        button.setText(EMPTY_SURE)
        announce(button, f"{EMPTY_SURE}?")

    def _way(self, words: str, act: Callable[[], None]) -> Button:
        button = self._button(words, act)
        self.ways.append(button)
        return button

    def _button(self, words: str, act: Callable[[], None]) -> Button:
        button = Button(words, self._buttons)
        # Without the word whether it is down, which a button that is pressed brings along.
        button.clicked.connect(lambda _is_down: act())
        self._flow.addWidget(button)
        return button


def _of(backup: Backup) -> str:
    return when(backup.made_at, datetime.now(UTC))


def _listing(jobs: tuple[Job, ...], parent: QWidget) -> QListWidget:
    """To be looked at only: nothing can be done with them from here."""
    rows = QListWidget(parent)
    rows.setAccessibleName(text.still_readable(len(jobs)))
    now = datetime.now(UTC)
    for job in jobs:
        end = job.take or job.request.prompt
        rows.addItem(" · ".join(part for part in (when(job.created_at, now), text.phase(job.state), end) if part))
    shown = min(ROWS_SHOWN, len(jobs))
    rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    rows.setTextElideMode(Qt.TextElideMode.ElideRight)
    rows.setFixedHeight(shown * rows.sizeHintForRow(0) + 2 * rows.frameWidth())
    return rows
