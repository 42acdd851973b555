"""Where everything stands, at every width of the window."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from klingstudio.ui import text, theme
from klingstudio.ui.generate.panel import GeneratePanel
from klingstudio.ui.models.bundle import Models
from klingstudio.ui.prompt.panel import PromptPanel
from klingstudio.ui.references.panel import ReferencesPanel
from klingstudio.ui.source.panel import SourcePanel
from klingstudio.ui.takes.panel import TakesPanel
from klingstudio.ui.widgets.icons import IconButton
from klingstudio.ui.widgets.labels import ElidedLabel, label, rule, set_role
from klingstudio.ui.window.fetching import Fetching
from klingstudio.ui.window.messages import Messages
from klingstudio.ui.window.stage import Stage

if TYPE_CHECKING:
    from datetime import datetime

ANSWERED = (text.Button.ADD_KEY, text.Button.SETTINGS, text.Button.CHOOSE_VIDEO, text.Button.GO_TO_PROMPT)
"""The buttons under a message that the window knows what to do for."""


class Body(QWidget):
    """Inputs, centre and takes. Narrow: the takes become a drawer, then the inputs a strip above the prompt."""

    def __init__(self, models: Models, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._is_drawer = False
        self._is_strip: bool | None = None
        self._drawer_is_open = False
        self._inputs = QWidget(self)
        self._inputs.setProperty("clear", "true")
        self.source = SourcePanel(models.draft, self._inputs)
        self.references = ReferencesPanel(models.draft, models.edits, models.library, self._inputs)
        self._inputs_row = QBoxLayout(QBoxLayout.Direction.TopToBottom, self._inputs)
        self._inputs_row.addWidget(self.source)
        self._inputs_row.addWidget(self.references)
        self._inputs_row.addStretch()
        self._inputs_scroll = _scroll(self, ground="panel")
        self._inputs_scroll.setFixedWidth(theme.px(theme.INPUTS_WIDTH))
        self._left_rule = rule("down", self)
        self._centre_scroll = _scroll(self, ground="window")
        self._centre_scroll.setWidget(self._build_centre(models))
        self._takes_frame = self._build_takes(models)
        self._status = self._build_status()

        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._row.addWidget(self._inputs_scroll)
        self._row.addWidget(self._left_rule)
        self._row.addWidget(self._centre_scroll, stretch=1)
        self._row.addWidget(self._takes_frame)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._row, stretch=1)
        column.addWidget(rule("across", self))
        column.addWidget(self._status)

    def _build_centre(self, models: Models) -> QWidget:
        centre = _Centre(self._centre_scroll)
        centre.setProperty("clear", "true")
        self.messages = Messages(models.problems, ANSWERED, centre)
        self.fetching = Fetching(models.arrivals, centre)
        self.stage = Stage(models, centre)
        self.prompt = PromptPanel(models.draft, models.phrases, partial(_earlier_prompts, models), centre)
        self.prompt.setMaximumHeight(theme.px(theme.PROMPT_MOST))
        self.generate = GeneratePanel(
            models.draft, models.jobs, models.accounts, models.spending, models.grace, models.problems, centre
        )
        self._centre = QVBoxLayout(centre)
        self._centre.setContentsMargins(*(theme.px(theme.AROUND),) * 4)
        self._centre.setSpacing(theme.px(10))
        self._centre.addWidget(self.messages)
        self._centre.addWidget(self.fetching)
        self._centre.addWidget(self.stage, stretch=1)
        self._centre.addWidget(self.prompt)
        self._centre.addWidget(self.generate)
        return centre

    def _build_takes(self, models: Models) -> QWidget:
        frame = QWidget(self)
        frame.setProperty("ground", "panel")
        frame.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.takes = TakesPanel(models.jobs, frame)
        row = QHBoxLayout(frame)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(rule("down", frame))
        inside = QVBoxLayout()
        inside.setContentsMargins(*(theme.px(n) for n in (16, 14, 10, 8)))
        inside.addWidget(self.takes)
        row.addLayout(inside, stretch=1)
        return frame

    def _build_status(self) -> QWidget:
        status = QWidget(self)
        status.setProperty("ground", "panel")
        status.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.words = ElidedLabel(role="secondary", parent=status)
        self.saved = label("", "secondary", parent=status)
        self.saved.setObjectName("saved")
        self.help = IconButton("circle-question-mark", "Shortcuts", status, token="secondary")
        row = QHBoxLayout(status)
        row.setContentsMargins(*(theme.px(n) for n in (16, 2, 12, 2)))
        row.addWidget(self.words, stretch=1)
        row.addWidget(self.saved)
        row.addWidget(self.help)
        return status

    def show_saved(self, at: datetime | None, *, is_failing: bool) -> None:
        """When the drafts were written last, or that they could not be."""
        if is_failing:
            words, why = "not saved", text.NOT_SAVED
        else:
            words, why = (f"saved {at.astimezone():%H:%M}", text.SAVED) if at is not None else ("", "")
        self.saved.setText(words)
        self.saved.setToolTip(why)
        set_role(self.saved, "role", "bad" if is_failing else "secondary")

    def show_above(self, notice: QWidget) -> None:
        """Put what concerns everything above the clip."""
        self._centre.insertWidget(0, notice)

    # places

    @property
    def is_drawer(self) -> bool:
        """True while the takes lie over the rest and have to be opened."""
        return self._is_drawer

    @property
    def drawer_is_open(self) -> bool:
        return self._is_drawer and self._drawer_is_open

    def arrange(self) -> None:
        """Put everything where it belongs at the present width."""
        scale = theme.px(100) / 100
        is_drawer = self.width() < theme.DRAWER_BELOW * scale
        is_strip = self.width() < theme.STRIP_BELOW * scale
        if is_strip is not self._is_strip:
            self._is_strip = is_strip
            self._place_inputs(strip=is_strip)
        if is_drawer is not self._is_drawer:
            self._is_drawer = is_drawer
            self._drawer_is_open = False
        self._place_takes()

    def set_drawer_open(self, is_open: bool) -> None:
        self._drawer_is_open = is_open
        self._place_takes()

    def _place_inputs(self, *, strip: bool) -> None:
        self._inputs_scroll.setVisible(not strip)
        self._left_rule.setVisible(not strip)
        row = self._inputs_row
        if strip:
            self._inputs_scroll.takeWidget()
            self._centre.insertWidget(self._centre.indexOf(self.prompt), self._inputs)
            row.setDirection(QBoxLayout.Direction.LeftToRight)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(theme.px(theme.AROUND))
        else:
            self._centre.removeWidget(self._inputs)
            self._inputs_scroll.setWidget(self._inputs)
            row.setDirection(QBoxLayout.Direction.TopToBottom)
            row.setContentsMargins(*(theme.px(n) for n in (16, 14, 12, 16)))
            row.setSpacing(theme.px(theme.AROUND))
        for at, stretch in enumerate((1, 1, 0) if strip else (0, 0, 1)):
            row.setStretch(at, stretch)
        for panel in (self.source, self.references):
            row.setAlignment(panel, Qt.AlignmentFlag.AlignTop)
            panel.set_compact(compact=strip)
        self._inputs.show()

    def _place_takes(self) -> None:
        wide = theme.px(theme.TAKES_WIDTH)
        frame = self._takes_frame
        self.takes.set_drawer(self._is_drawer)
        if self._is_drawer:
            self._row.removeWidget(frame)
            wide = min(wide, self.width())
            frame.setFixedWidth(wide)
            frame.setGeometry(self.width() - wide, 0, wide, self.height() - self._status.height() - 1)
            frame.setVisible(self._drawer_is_open)
            frame.raise_()
        else:
            if self._row.indexOf(frame) < 0:
                self._row.addWidget(frame)
            frame.setFixedWidth(wide)
            frame.show()

    def regions(self) -> list[QWidget]:
        """The areas that F6 goes through, in the order of work."""
        every: list[QWidget] = [self.source, self.references, self.stage, self.prompt, self.generate, self.takes]
        return [region for region in every if region.isVisible()]


def _earlier_prompts(models: Models) -> list[str]:
    """What was sent before, newest first."""
    return [models.jobs.job(job_id).request.prompt for job_id in models.jobs.ids()]


class _Centre(QWidget):
    """Asks for as much height as its layout will really give out; with less, the layout lets neighbours overlap."""

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        return layout.totalHeightForWidth(width) if layout is not None else -1


def _scroll(parent: QWidget, *, ground: str) -> QScrollArea:
    area = QScrollArea(parent)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setProperty("ground", ground)
    return area
