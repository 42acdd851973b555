"""What a press is answered with instead of an order: a question, or what is missing, with the buttons that help."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from klingstudio.ui import text
from klingstudio.ui.generate.readiness import Readiness, lower
from klingstudio.ui.models.accounts import AccountsModel
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.spending import SpendingModel
from klingstudio.ui.widgets.notice import Notice

if TYPE_CHECKING:
    from klingstudio.providers.base import ProviderInfo

AGREE = "Upload publicly and generate"
SEND_ANYWAY = "Generate without knowing the price"
NOT_NOW = "Not now"
USE_SANDBOX = "Use the sandbox"


class Question(StrEnum):
    """What has to be answered before anything is sent."""

    CONSENT = "consent"
    PRICE = "price"
    BUDGET = "budget"


class Questions(Notice):
    """Stands above the bar as long as its question does."""

    def __init__(
        self, draft: DraftModel, accounts: AccountsModel, spending: SpendingModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._draft, self._accounts, self._spending = draft, accounts, spending
        self._asked: Question | None = None

    def open_one(self) -> Question | None:
        """The question that the draft's provider has for this press; None for none."""
        if (host := self.hosting) is not None and self._accounts.asks_consent(host.id):
            return Question.CONSENT
        return Question.PRICE if self._spending.asks_about_price(self._draft) else None

    def ask(self, question: Question | None) -> None:
        """From the next `show_for` on. None: it was answered."""
        self._asked = question

    def focus_harmless(self) -> None:
        """On the answer that does no harm: what is typed on must not publish a file or spend money."""
        if (harmless := self.button(NOT_NOW) or self.button(text.Button.SETTINGS)) is not None:
            harmless.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @property
    def hosting(self) -> ProviderInfo | None:
        """Who will have the files."""
        return self._draft.host or self._draft.provider

    def show_for(self, ready: Readiness) -> None:
        """What was asked, while it still has to be; else what is missing."""
        info, host = self._draft.provider, self.hosting
        if info is None or host is None:
            self.clear()
        elif self._asked is Question.CONSENT and ready.ok and self._accounts.asks_consent(host.id):
            self._ask_consent(host)
        elif self._asked is Question.PRICE and ready.ok and self._spending.asks_about_price(self._draft):
            self.say(
                f"{info.title} does not tell the price of this",
                "Your limit cannot count what has no price, so it does not hold this back. What is charged is shown"
                " with the take.",
                (SEND_ANYWAY, NOT_NOW),
                tone="warning",
                spends=SEND_ANYWAY,
            )
        elif self._asked is Question.BUDGET and ready.place == "budget":
            if (problem := self._spending.problem(self._draft)) is not None:
                sentence = text.sentence(problem)
                self.say(sentence.title, sentence.hint, (text.Button.SETTINGS,), tone="warning")
        elif ready.place == "key":
            note = self._accounts.state(info.id).note
            hint = f"Add one, or try everything free in the sandbox. {note}".strip()
            self.say(ready.reason, hint, (text.Button.ADD_KEY, USE_SANDBOX), tone="neutral")
        elif ready.place == "host":
            names = [one.title for one in self._draft.hosts]
            hint = f"{info.upload_note} Add a key of {_either(names)}; it is used for the files only."
            self.say(ready.reason, hint, (text.Button.ADD_KEY, USE_SANDBOX), tone="neutral")
        else:
            self._asked = None
            self.clear()

    def _ask_consent(self, host: ProviderInfo) -> None:
        self.say(
            f"{host.title} makes uploaded files public",
            f"{host.upload_note} Kept: {lower(host.upload_lifetime)}".removesuffix(" Kept: "),
            (AGREE, NOT_NOW),
            tone="warning",
            spends=AGREE,
        )


def _either(names: Sequence[str]) -> str:
    """`Acme, Bolt or Corp`."""
    return " or ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
