"""Provider, quality, sound, takes and Generate; and whatever stands between the person and the press of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from klingstudio.domain.errors import StudioError
from klingstudio.ui import text, theme
from klingstudio.ui.generate.button import GenerateButton
from klingstudio.ui.generate.choices import Choices
from klingstudio.ui.generate.price import how_reached, price_words
from klingstudio.ui.generate.questions import AGREE, SEND_ANYWAY, USE_SANDBOX, Question, Questions
from klingstudio.ui.generate.readiness import Readiness, readiness
from klingstudio.ui.models.accounts import AccountsModel
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.grace import SendGrace
from klingstudio.ui.models.jobs import JobsModel
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.models.spending import SpendingModel
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import announce, label, plain_tip

if TYPE_CHECKING:
    from klingstudio.domain.price import Money
    from klingstudio.domain.request import Request

SENT_MS = 1200
"""How long after a press the button does not take another one: a double press is one wish."""


class GeneratePanel(QWidget):
    """Turns the draft into jobs, once per wish."""

    settings_wanted = Signal(str)
    """Open the settings at this provider's key."""
    compare_wanted = Signal()
    budget_wanted = Signal()
    """Open the settings at the limits."""
    take_wanted = Signal(str)
    """Show this job's take."""
    place_wanted = Signal(str)
    """Show the person where the reason lies."""
    generated = Signal(str)
    """Id of the first job that was just made."""

    def __init__(
        self,
        draft: DraftModel,
        jobs: JobsModel,
        accounts: AccountsModel,
        spending: SpendingModel,
        grace: SendGrace,
        problems: Problems,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._draft, self._jobs, self._accounts, self._problems = draft, jobs, accounts, problems
        self._spending, self._grace = spending, grace
        self._twin: str | None = None
        self.notice = Questions(draft, accounts, spending, self)
        self.notice.acted.connect(self._on_notice)
        self.choices = Choices(draft, accounts, self)
        self.choices.settings_wanted.connect(self.settings_wanted)
        self.choices.compare_wanted.connect(self.compare_wanted)
        self._reason = label(role="secondary", wraps=True)
        self._reason.setObjectName("reason")
        self._reason.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.link = Button("", self, kind="link")
        """What can be pressed beside Generate: the limit that is in the way, or the take that is there already."""
        self.link.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.link.clicked.connect(self._on_link)
        self.link.hide()
        self._aside = QWidget(self)
        aside = QVBoxLayout(self._aside)
        aside.setContentsMargins(0, 0, 0, 0)
        aside.setSpacing(0)
        aside.addWidget(self._reason)
        aside.addWidget(self.link, alignment=Qt.AlignmentFlag.AlignRight)
        self.button = GenerateButton(self)
        self.button.clicked.connect(self.generate)
        self._just_sent = QTimer(self)
        self._just_sent.setSingleShot(True)
        self._just_sent.setInterval(SENT_MS)
        self._just_sent.timeout.connect(self._refresh)
        self._just_pressed = QTimer(self)
        self._just_pressed.setSingleShot(True)
        self._just_pressed.setInterval(QApplication.doubleClickInterval())

        self._is_aside_above: bool | None = None
        self._row = row = QHBoxLayout()
        row.setSpacing(theme.px(theme.INSIDE))
        row.addWidget(self.choices, alignment=Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignBottom)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(10))
        column.addWidget(self.notice)
        column.addLayout(row)

        for signal in (draft.changed, accounts.consent_changed, spending.changed):
            signal.connect(self._refresh)
        # Not at each move of each job: only a take can be what is wanted already.
        for signal in (jobs.was_attached, jobs.added, jobs.completed):
            signal.connect(self._refresh)
        grace.changed.connect(self._on_grace)
        for signal in (draft.providers_changed, accounts.changed):
            signal.connect(self._fill)
        self._fill()

    @property
    def reason(self) -> str:
        """Why the button is grey; empty when it is not."""
        return self._reason.text()

    # pressing

    def generate(self) -> None:
        """Make the jobs of one wish, or say what is missing. While a wish is held back: take it back."""
        if self._just_sent.isActive() or self._just_pressed.isActive():
            # The second half of a double press.
            return
        if self._grace.left:
            self.take_back()
            return
        self._press(at_once=False)

    def generate_now(self) -> None:
        """The same without the seconds in which it can be taken back."""
        self._press(at_once=True)

    def take_back(self) -> bool:
        """Undo the press; False where nothing is held back any more."""
        if not self._grace.take_back():
            return False
        self._problems.say("Taken back: nothing was sent")
        return True

    def _press(self, *, at_once: bool) -> None:
        ready = self.readiness()
        if not ready.ok:
            if ready.place == "budget":
                self._ask(Question.BUDGET)
            elif (add := self.notice.button(text.Button.ADD_KEY)) is not None and ready.place in {"key", "host"}:
                add.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.place_wanted.emit(ready.place)
        elif (question := self.notice.open_one()) is not None:
            self._ask(question)
        else:
            self._send(at_once=at_once)

    def _ask(self, question: Question) -> None:
        self.notice.ask(question)
        self._refresh()
        self.notice.focus_harmless()

    def _send(self, *, at_once: bool = False) -> None:
        try:
            request = self._draft.request()
        except StudioError as error:
            self._problems.report("generate", error)
            return
        # Frozen here: what is changed in the seconds that follow is not part of it.
        order = partial(self._order, request, self._draft.takes, self._draft.estimate_each)
        if at_once or not self._spending.send_grace:
            order()
            return
        self._just_pressed.start()
        self._grace.hold(order)
        announce(self.button, f"Sending in {self._grace.left} seconds. Press again, or Escape, to take it back.")

    def _order(self, request: Request, takes: int, estimate: Money | None) -> None:
        # Before the call, so that nothing that happens inside can lead to a second one.
        self._just_sent.start()
        made = self._jobs.enqueue(request, takes=takes, estimate=estimate)
        self._refresh()
        if made:
            self.generated.emit(made[-1])

    def _on_grace(self) -> None:
        app = QApplication.instance()
        if app is not None:
            # Esc and Ctrl+Z mean this wherever the keyboard is, and only as long as it lasts.
            app.removeEventFilter(self)
            if self._grace.left:
                app.installEventFilter(self)
        self._refresh()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            not isinstance(event, QKeyEvent)
            or not isinstance(watched, QWidget)
            or watched.window() is not self.window()
        ):
            return False
        is_escape = event.key() == Qt.Key.Key_Escape and not event.modifiers()
        if not (is_escape or event.matches(QKeySequence.StandardKey.Undo)):
            return False
        match event.type():
            case QEvent.Type.ShortcutOverride:
                # So that it comes as a key, and not as the shortcut of something else.
                event.accept()
                return True
            case QEvent.Type.KeyPress:
                return self.take_back()
            case _:
                return False

    def readiness(self) -> Readiness:
        """Whether the draft can be generated now."""
        return readiness(self._draft, self._accounts, self._spending)

    # showing

    def _fill(self) -> None:
        self.choices.fill()
        self._refresh()

    def _refresh(self) -> None:
        self.choices.refresh()
        ready = self.readiness()
        tip = ready.reason
        if self._grace.left:
            tip = self._held_words()
        elif ready.ok:
            tip = how_reached(self._draft, self._spending)
        self.button.setEnabled(bool(self._grace.left) or (ready.ok and not self._just_sent.isActive()))
        self.button.setToolTip(plain_tip(tip))
        self.button.setAccessibleDescription(tip)
        self._reason.setText("" if ready.ok or self._grace.left else ready.reason)
        self._show_link(ready)
        self.notice.show_for(ready)
        self._fit_row()

    def _show_link(self, ready: Readiness) -> None:
        """The limit that is in the way; or the very same that was made before, which may be made again."""
        draft = self._draft
        facts = draft.source.facts if draft.source is not None else None
        sketch = draft.sketch() if ready.ok and not self._grace.left else None
        self._twin = self._jobs.twin(sketch, facts.size_bytes if facts else None) if sketch is not None else None
        if self._twin is not None:
            name = f"v{self._jobs.number(self._twin):02}"
            self.link.setText(f"You already have this: {name}")
            self.link.setToolTip(
                f"{name} was made of the same clip, words and settings.\nShow it; Generate makes another"
            )
        is_full = ready.place == "budget" and not self._grace.left
        if is_full:
            problem = self._spending.problem(draft)
            self.link.setText(ready.reason)
            self.link.setToolTip(plain_tip(text.passage(problem)) if problem is not None else "")
        self.link.setVisible(self._twin is not None or is_full)
        self._reason.setVisible(bool(self._reason.text()) and not is_full)

    def _on_link(self) -> None:
        if self._twin is not None:
            self.take_wanted.emit(self._twin)
        else:
            self._ask(Question.BUDGET)

    def _fit_row(self) -> None:
        """Everything in one row, a reason too, in fewer words where that is enough to make it fit.

        Where a reason never fits, its line is kept while there is none: what comes and goes with the typing must not
        move the picture.
        """
        self._say_row(_BREVITIES[-1])
        is_above = self._row_px(has_aside=True) > self.width()
        has_aside = not is_above and (bool(self._reason.text()) or self._twin is not None)
        for brevity in _BREVITIES:
            self._say_row(brevity)
            if self._row_px(has_aside=has_aside) <= self.width():
                break
        else:
            self._say_row(0)
        self._place_aside(is_above=is_above)

    def _row_px(self, *, has_aside: bool) -> int:
        aside = theme.px(theme.REASON_LEAST) + self._row.spacing() if has_aside else 0
        return self.choices.sizeHint().width() + self._row.spacing() + self.button.sizeHint().width() + aside

    def _say_row(self, brevity: int) -> None:
        self.choices.say(brevity)
        keys = QKeySequence("Ctrl+Return").toString(QKeySequence.SequenceFormat.NativeText)
        keys = "" if brevity > 2 else keys.replace("+Return", " ⏎").replace("+Enter", " ⏎")
        if self._grace.left:
            self.button.show_words(f"Undo ({self._grace.left})", "", "" if brevity > 2 else "Esc", takes_back=True)
            return
        is_sent = self._just_sent.isActive()
        self.button.show_words("Generate", price_words(self._draft), "sent" if is_sent else keys, keeps_width=is_sent)

    def _held_words(self) -> str:
        left = "1 second" if self._grace.left == 1 else f"{self._grace.left} seconds"
        return f"Sent in {left}, as it was when Generate was pressed.\nPress, or Esc or Ctrl+Z, to take it back"

    def _on_notice(self, words: str) -> None:
        info, host = self._draft.provider, self.notice.hosting
        self.notice.ask(None)
        if info is None or host is None:
            return
        match words:
            case text.Button.ADD_KEY if self.readiness().place == "host":
                self.settings_wanted.emit(next((one.id for one in self._draft.hosts), info.id))
            case text.Button.ADD_KEY:
                self.settings_wanted.emit(info.id)
            case _ if words == USE_SANDBOX:
                self._draft.use_free_provider()
            case _ if words == AGREE:
                self._accounts.agree(host.id)
                self._press(at_once=False)
            case _ if words == SEND_ANYWAY:
                self._send()
            case text.Button.SETTINGS:
                self.budget_wanted.emit()
            case _:
                pass
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_row()

    def _place_aside(self, *, is_above: bool) -> None:
        """Beside the button, or on a line of its own where there is no room for a sentence."""
        if is_above is not self._is_aside_above:
            self._is_aside_above = is_above
            self._row.removeWidget(self._aside)
            self._column.removeWidget(self._aside)
            if is_above:
                self._column.insertWidget(1, self._aside)
            else:
                self._row.insertWidget(1, self._aside, stretch=1)
            self._row.setStretch(0, 1 if is_above else 0)
            self._aside.setMinimumHeight(self.link.sizeHint().height() if is_above else 0)
        # A notice says it at length.
        self._aside.setVisible(not is_above or not self.notice.title)
        self.choices.updateGeometry()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()


_BREVITIES = (0, 1, 2, 3)
"""In how few words the bar says what it has: all of them, without what can be guessed, an icon alone, without keys."""
