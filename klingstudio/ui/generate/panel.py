"""Provider, quality, sound, takes and Generate; and whatever stands between the person and the press of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from klingstudio.domain.errors import Kind, StudioError
from klingstudio.ui import text, theme
from klingstudio.ui.generate.button import GenerateButton
from klingstudio.ui.generate.menu import MenuButton
from klingstudio.ui.models.accounts import AccountsModel, Place
from klingstudio.ui.models.draft import TAKES, DraftModel
from klingstudio.ui.models.grace import SendGrace
from klingstudio.ui.models.jobs import JobsModel
from klingstudio.ui.models.problems import Problems
from klingstudio.ui.models.spending import PERIODS, SpendingModel
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import announce, label
from klingstudio.ui.widgets.notice import Notice

if TYPE_CHECKING:
    from klingstudio.domain.price import Money
    from klingstudio.domain.request import Request
    from klingstudio.providers.base import ProviderInfo

SENT_MS = 1200
"""How long after a press the button does not take another one: a double press is one wish."""
AGREE = "Upload publicly and generate"
SEND_ANYWAY = "Generate without knowing the price"
NOT_NOW = "Not now"
USE_SANDBOX = "Use the sandbox"
KEEP_SOUND = "Keep sound"
COMPARE = "Compare providers"
TIERS = {"standard": "Standard", "pro": "Pro"}
"""By the value of each tier."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether Generate can be pressed, and in one line why not."""

    ok: bool
    reason: str = ""
    place: str = ""
    """Where the reason lies: `source`, `prompt`, `image:2`, `element:1`, `key`, `host`, `budget`."""


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
        self._asks = ""
        """What the press was answered with instead of an order: `consent`, `price`, `budget`; empty for nothing."""
        self._twin: str | None = None
        self.notice = Notice(self)
        self.notice.acted.connect(self._on_notice)
        self._provider = MenuButton("Provider", self)
        self._provider.setObjectName("provider")
        self._provider.choices.triggered.connect(lambda action: draft.choose_provider(action.data()))
        self._tier = MenuButton("Quality", self)
        self._tier.choices.triggered.connect(self._on_tier)
        self._takes = MenuButton("Takes", self)
        self._takes.choices.triggered.connect(lambda action: draft.choose_takes(action.data()))
        self._via = MenuButton("Files via", self)
        self._via.setObjectName("inputsVia")
        self._via.choices.triggered.connect(self._on_via)
        self._compare = Button(COMPARE, self, kind="link")
        self._compare.setObjectName("compareProviders")
        self._compare.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._compare.clicked.connect(self.compare_wanted)
        self._sound = Button(KEEP_SOUND, self, icon_name="music")
        self._sound.setObjectName("keepSound")
        self._sound.setAccessibleName(KEEP_SOUND)
        self._sound.setCheckable(True)
        self._sound.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._sound.clicked.connect(draft.choose_keep_audio)
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

        self._choices = QWidget(self)
        flow = FlowLayout(self._choices, gap=theme.px(theme.BETWEEN))
        for widget in (self._provider, self._via, self._tier, self._sound, self._takes, self._compare):
            flow.addWidget(widget)
        policy = self._choices.sizePolicy()
        policy.setHeightForWidth(True)
        policy.setHorizontalPolicy(QSizePolicy.Policy.Preferred)
        self._choices.setSizePolicy(policy)
        self._is_aside_above: bool | None = None
        self._row = row = QHBoxLayout()
        row.setSpacing(theme.px(theme.INSIDE))
        row.addWidget(self._choices, alignment=Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignBottom)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(10))
        column.addWidget(self.notice)
        column.addLayout(row)

        for signal in (draft.changed, accounts.consent_changed, spending.changed, jobs.changed):
            signal.connect(self._refresh)
        grace.changed.connect(self._on_grace)
        for signal in (draft.providers_changed, accounts.changed):
            signal.connect(self._fill_menus)
        self._fill_menus()

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
        info = self._draft.provider
        if not ready.ok or info is None:
            if ready.place == "budget":
                self._ask("budget")
            elif (add := self.notice.button(text.Button.ADD_KEY)) is not None and ready.place in {"key", "host"}:
                add.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.place_wanted.emit(ready.place)
            return
        if self._accounts.asks_consent(self._hosting(info).id):
            self._ask("consent")
        elif self._spending.asks_about_price(self._draft):
            self._ask("price")
        else:
            self._send(at_once=at_once)

    def _ask(self, question: str) -> None:
        self._asks = question
        self._refresh()
        # On the answer that does no harm: what is typed on must not publish a file or spend money.
        if (harmless := self.notice.button(NOT_NOW) or self.notice.button(text.Button.SETTINGS)) is not None:
            harmless.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _hosting(self, info: ProviderInfo) -> ProviderInfo:
        """Who will have the files."""
        return self._draft.host or info

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
        draft = self._draft
        info = draft.provider
        if info is None:
            return Readiness(False, "Starting…")
        problem = draft.problem()
        if draft.source is None:
            return Readiness(False, "Add a video first", "source")
        if problem is not None:
            if problem.kind is Kind.PROMPT_EMPTY:
                return Readiness(False, "Write what should change", problem.subject)
            if problem.subject == "host":
                return Readiness(False, f"Nobody can host the files for {info.title}", "host")
            if problem.kind is Kind.NOT_SUPPORTED:
                return Readiness(False, problem.detail, problem.subject)
            where = text.place(problem.subject) if problem.subject.startswith(("image", "element")) else ""
            title = text.sentence(problem).title
            return Readiness(False, f"{where}: {_lower(title)}" if where else title, problem.subject)
        if draft.is_reading:
            return Readiness(False, "Reading the files…")
        if self._key_state(info) is Place.NONE:
            return Readiness(False, f"No key for {info.title}", "key")
        if (full := self._spending.full(draft)) is not None:
            return Readiness(False, f"Over your limit for {_WHEN[full.period.value]}", "budget")
        return Readiness(True)

    # showing

    def _on_tier(self, action: QAction) -> None:
        from klingstudio.domain.request import Tier

        self._draft.choose_tier(Tier(action.data()))

    def _key_state(self, info: ProviderInfo) -> Place | None:
        """Where the provider's key is; None for one that needs none."""
        return None if info.key_variable is None else self._accounts.state(info.id).place

    def _key_words(self, info: ProviderInfo) -> str:
        state = self._key_state(info)
        words = {None: "free", Place.NONE: "no key", Place.UNKNOWN: ""}
        return words.get(state, "key set")

    def _on_via(self, action: QAction) -> None:
        host = str(action.data())
        if self._accounts.state(host).is_there:
            self._draft.choose_inputs_via(host)
        else:
            self.settings_wanted.emit(host)
        # The mark went to what was pressed; it belongs to what is used.
        self._fill_via()

    def _fill_via(self) -> None:
        draft = self._draft
        self._via.clear()
        for host in draft.hosts if draft.needs_host else ():
            self._via.offer(host.title, host.id, checked=host is draft.host, state=self._key_words(host))

    def _fill_menus(self) -> None:
        draft = self._draft
        info = draft.provider
        for menu in (self._provider, self._tier, self._takes):
            menu.clear()
        for one in draft.providers:
            self._provider.offer(one.title, one.id, checked=one is info, state=self._key_words(one))
        for tier in info.tiers if info else ():
            self._tier.offer(TIERS[tier.value], tier.value, checked=tier is draft.tier)
        for count in TAKES:
            self._takes.offer(_takes(count), count, checked=count == draft.takes)
        self._fill_via()
        for button in (self._provider, self._tier, self._takes, self._sound):
            button.setEnabled(info is not None)
        self._compare.setVisible(info is not None)
        self._provider.show_choice(info.title if info else "Starting…")
        self._refresh()

    def _refresh(self) -> None:
        draft = self._draft
        self._tier.show_choice(TIERS[draft.tier.value if draft.tier else "pro"])
        self._takes.show_choice(_takes(draft.takes))
        self._show_via()
        self._show_sound()
        ready = self.readiness()
        tip = self._held_words() if self._grace.left else self._how_reached() if ready.ok else ready.reason
        self.button.setEnabled(bool(self._grace.left) or (ready.ok and not self._just_sent.isActive()))
        self.button.setToolTip(tip)
        self.button.setAccessibleDescription(tip)
        self._reason.setText("" if ready.ok or self._grace.left else ready.reason)
        self._show_link(ready)
        self._show_notice(ready)
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
            self.link.setToolTip(text.passage(problem) if problem is not None else "")
        self.link.setVisible(self._twin is not None or is_full)
        self._reason.setVisible(bool(self._reason.text()) and not is_full)

    def _on_link(self) -> None:
        if self._twin is not None:
            self.take_wanted.emit(self._twin)
        else:
            self._ask("budget")

    def _show_via(self) -> None:
        self._via.setVisible(self._draft.needs_host)
        host = self._draft.host
        self._via.setToolTip(
            f"Files via {host.title}\n{host.upload_note}" if host else "Another provider has to host the files"
        )

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
        return self._choices.sizeHint().width() + self._row.spacing() + self.button.sizeHint().width() + aside

    def _say_row(self, brevity: int) -> None:
        draft = self._draft
        host = draft.host
        self._via.show_choice(host.title if host else "nobody yet", before="Via " if brevity else "Files via ")
        self._compare.setText("Compare" if brevity else COMPARE)
        self._compare.setAccessibleName(COMPARE)
        self._sound.setText("" if brevity > 1 else KEEP_SOUND)
        estimate = draft.estimate
        price = "free" if draft.is_free else str(estimate) if estimate else "price unknown"
        has_clip = draft.source is not None and draft.source.plan is not None
        keys = QKeySequence("Ctrl+Return").toString(QKeySequence.SequenceFormat.NativeText)
        keys = "" if brevity > 2 else keys.replace("+Return", " ⏎").replace("+Enter", " ⏎")
        if self._grace.left:
            self.button.show_words(f"Undo ({self._grace.left})", "", "" if brevity > 2 else "Esc", takes_back=True)
            return
        is_sent = self._just_sent.isActive()
        self.button.show_words("Generate", price if has_clip else "", "sent" if is_sent else keys, keeps_width=is_sent)

    def _show_sound(self) -> None:
        draft = self._draft
        facts = draft.source.facts if draft.source else None
        has_sound = facts is None or facts.audio_codec is not None
        self._sound.setEnabled(draft.provider is not None and has_sound)
        self._sound.setChecked(draft.keep_audio and has_sound)
        self._sound.show_icon("music" if draft.keep_audio and has_sound else "volume-x")
        tip = "Keep the sound of the clip in the take" if has_sound else "This clip has no sound"
        self._sound.setToolTip(tip)

    def _how_reached(self) -> str:
        draft = self._draft
        plan = draft.source.plan if draft.source else None
        if draft.is_free:
            return "The sandbox runs on this computer and costs nothing"
        if draft.price is None or plan is None:
            return "The provider does not tell the price of this. What it charges is shown with the take."
        price = draft.price
        takes = f" × {draft.takes} takes" if draft.takes > 1 else ""
        read = f"told live by {price.source}, {price.date}" if price.is_live else f"read {price.date} at {price.source}"
        note = f"\n{price.note}" if price.note else ""
        return f"{plan.duration_s:.1f} s at {price}{takes}\nEstimate; {read}{note}{self._left_words()}"

    def _left_words(self) -> str:
        """What is held back of the limits by a press, and what of them is left."""
        price, most = self._draft.price, self._spending.most(self._draft)
        if price is None or most is None:
            return ""
        worst = replace(price.rate, amount=most)
        lines = []
        for period in PERIODS:
            stands = self._spending.balance(price.rate.currency, period)
            if stands is not None and stands.left is not None:
                lines.append(f"{stands.left} left {_WHEN[period]} of {stands.limit}")
        if lines:
            lines.insert(0, f"At most {worst}, which is reserved until it is known what was charged")
        return "".join(f"\n{line}" for line in lines)

    def _held_words(self) -> str:
        left = "1 second" if self._grace.left == 1 else f"{self._grace.left} seconds"
        return f"Sent in {left}, as it was when Generate was pressed.\nPress, or Esc or Ctrl+Z, to take it back"

    def _show_notice(self, ready: Readiness) -> None:
        info = self._draft.provider
        if info is None:
            self.notice.clear()
        elif self._asks == "consent" and ready.ok and self._accounts.asks_consent(self._hosting(info).id):
            host = self._hosting(info)
            self.notice.say(
                f"{host.title} makes uploaded files public",
                f"{host.upload_note} Kept: {_lower(host.upload_lifetime)}".removesuffix(" Kept: "),
                (AGREE, NOT_NOW),
                tone="warning",
                spends=AGREE,
            )
        elif self._asks == "price" and ready.ok and self._spending.asks_about_price(self._draft):
            self.notice.say(
                f"{info.title} does not tell the price of this",
                "Your limit cannot count what has no price, so it does not hold this back. What is charged is shown"
                " with the take.",
                (SEND_ANYWAY, NOT_NOW),
                tone="warning",
                spends=SEND_ANYWAY,
            )
        elif self._asks == "budget" and ready.place == "budget":
            problem = self._spending.problem(self._draft)
            sentence = text.sentence(problem) if problem is not None else None
            if sentence is not None:
                buttons = (text.Button.SETTINGS,)
                self.notice.say(sentence.title, sentence.hint, buttons, tone="warning")
        elif ready.place == "key":
            note = self._accounts.state(info.id).note
            hint = f"Add one, or try everything free in the sandbox. {note}".strip()
            self.notice.say(ready.reason, hint, (text.Button.ADD_KEY, USE_SANDBOX), tone="neutral")
        elif ready.place == "host":
            names = [host.title for host in self._draft.hosts]
            hint = f"{info.upload_note} Add a key of {_either(names)}; it is used for the files only."
            self.notice.say(ready.reason, hint, (text.Button.ADD_KEY, USE_SANDBOX), tone="neutral")
        else:
            self._asks = ""
            self.notice.clear()

    def _on_notice(self, words: str) -> None:
        info = self._draft.provider
        self._asks = ""
        if info is None:
            return
        match words:
            case text.Button.ADD_KEY if self.readiness().place == "host":
                self.settings_wanted.emit(next((host.id for host in self._draft.hosts), info.id))
            case text.Button.ADD_KEY:
                self.settings_wanted.emit(info.id)
            case _ if words == USE_SANDBOX:
                self._draft.use_free_provider()
            case _ if words == AGREE:
                self._accounts.agree(self._hosting(info).id)
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
        self._choices.updateGeometry()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()


_BREVITIES = (0, 1, 2, 3)
"""In how few words the bar says what it has: all of them, without what can be guessed, an icon alone, without keys."""
_WHEN = {"day": "today", "month": "this month"}
"""By the value of each period."""


def _takes(count: int) -> str:
    return "1 take" if count == 1 else f"{count} takes"


def _either(names: Sequence[str]) -> str:
    """`Acme, Bolt or Corp`."""
    return " or ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
