"""Whether the clip fits the provider, and the button that makes it fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from klingstudio.ui import text, theme
from klingstudio.ui.models.source import Source
from klingstudio.ui.widgets.icons import Button, IconLabel
from klingstudio.ui.widgets.labels import announce, label, plain_tip, set_role
from klingstudio.ui.widgets.progress import ProgressLine

if TYPE_CHECKING:
    from klingstudio.domain.media import Caution

FITTED = "Fitted · Before shows it"


class Act(StrEnum):
    """What the button does."""

    FIT = "Fit"
    CANCEL = "Cancel"


_TIPS = {
    Act.FIT: "Make the clip that is sent now, and look at it as Before. Without this it is made when you generate",
    Act.CANCEL: "Stop fitting",
}


class FitRow(QWidget):
    """A sentence with its mark, the button beside it, and below it what helps with a problem."""

    fit_wanted = Signal()
    cancel_wanted = Signal()
    help_wanted = Signal(str)
    """The label of the button that helps with a problem."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._was_fitted = False
        self._mark = IconLabel("check", "good", 14)
        self._words = label(role="good", wraps=True)
        self.button = Button("", self, kind="small")
        self.button.setObjectName("fit")
        self.button.clicked.connect(self._on_button)
        self.help = Button("", self, kind="small")
        self.help.setObjectName("helpSource")
        self.help.clicked.connect(self._on_help)
        self.line = ProgressLine("Fitting", self)
        self._row = QHBoxLayout()
        self._row.setSpacing(theme.px(6))
        self._row.addWidget(self._mark)
        self._row.addWidget(self._words, stretch=1)
        self._row.addWidget(self.button)
        self._foot = QHBoxLayout()
        self._foot.setSpacing(theme.px(6))
        self._foot.addWidget(self.help)
        self._foot.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.GAP))
        column.addLayout(self._row)
        column.addWidget(self.line)
        column.addLayout(self._foot)

    @property
    def words(self) -> str:
        """What is said; empty while nothing is known."""
        return "" if self._words.isHidden() else self._words.text()

    @property
    def tone(self) -> str:
        return str(self._words.property("role"))

    @property
    def why(self) -> str:
        """What stands behind a warning, on the pointer."""
        return self._words.toolTip()

    def show_source(self, source: Source, provider: str, cautions: Sequence[Caution]) -> None:
        """How this file stands with the provider of this name."""
        self.line.setVisible(source.fitting is not None)
        self.help.hide()
        is_fitted = source.clip is not None
        if source.problem is not None:
            # The name of the file stands right above.
            is_named = source.problem.detail == source.path.name
            problem = replace(source.problem, detail="") if is_named else source.problem
            self._say("circle-alert", "bad", text.passage(problem))
            # Whatever the place of the problem, another file always helps here.
            self.help.setText(text.sentence(problem).button or text.Button.CHOOSE_VIDEO)
            self.help.show()
        elif source.fitting is not None:
            self.line.show_fraction(source.fitting or None)
            self._say("clock", "secondary", f"Fitting… {source.fitting:.0%}" if source.fitting else "Fitting…")
        elif source.fit_problem is not None:
            self._say("circle-alert", "bad", text.passage(source.fit_problem))
        elif source.plan is None or not provider:
            self._say("", "", "")
        elif cautions:
            brief = [text.brief_caution(one) for one in cautions]
            self._say("triangle-alert", "warning", ". ".join([*brief, *([FITTED] if is_fitted else [])]))
        elif is_fitted:
            self._say("circle-check", "good", FITTED)
        elif source.plan.is_identity:
            self._say("check", "good", f"fits {provider} as it is")
        else:
            self._say("check", "good", f"fits {provider} after this")
        why = "\n".join(text.caution(one) for one in cautions)
        self._words.setToolTip(plain_tip(why))
        self._words.setAccessibleDescription(why)
        self._show_button(source)
        if is_fitted and not self._was_fitted:
            announce(self, FITTED)
        self._was_fitted = is_fitted

    def _say(self, icon: str, tone: str, words: str) -> None:
        if icon:
            self._mark.show_icon(icon, tone)
        self._mark.setVisible(bool(icon))
        set_role(self._words, "role", tone)
        self._words.setText(words)
        self._words.setVisible(bool(words))

    def _show_button(self, source: Source) -> None:
        act = Act.CANCEL if source.fitting is not None else Act.FIT
        self.button.setText(text.Button.TRY_AGAIN if source.fit_problem is not None else act)
        self.button.setToolTip(_TIPS[act])
        # Beside a short word; a long one has the whole width and the button below it.
        is_long = self.tone in ("warning", "bad")
        self._row.setAlignment(self._mark, Qt.AlignmentFlag.AlignTop if is_long else Qt.AlignmentFlag.AlignVCenter)
        if is_long and self._row.indexOf(self.button) >= 0:
            self._row.removeWidget(self.button)
            self._foot.insertWidget(0, self.button)
        elif not is_long and self._foot.indexOf(self.button) >= 0:
            self._foot.removeWidget(self.button)
            self._row.addWidget(self.button)
        self.button.setVisible(source.problem is None and (source.can_be_fitted or act is Act.CANCEL))

    def _on_button(self) -> None:
        if self.button.text() == Act.CANCEL:
            self.cancel_wanted.emit()
        else:
            self.fit_wanted.emit()

    def _on_help(self) -> None:
        self.help_wanted.emit(self.help.text())
