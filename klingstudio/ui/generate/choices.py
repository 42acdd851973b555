"""What is chosen beside the inputs: provider, who hosts the files, quality, sound, number of takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSizePolicy, QWidget

from klingstudio.ui import theme
from klingstudio.ui.generate.menu import MenuButton
from klingstudio.ui.generate.readiness import key_place
from klingstudio.ui.models.accounts import AccountsModel, Place
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.terms import TAKES
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.icons import Button

if TYPE_CHECKING:
    from klingstudio.providers.base import ProviderInfo

KEEP_SOUND = "Keep sound"
COMPARE = "Compare providers"
TIERS = {"standard": "Standard", "pro": "Pro"}
"""By the value of each tier."""


class Choices(QWidget):
    """A row of buttons that breaks where it is narrow."""

    settings_wanted = Signal(str)
    """Open the settings at this provider's key."""
    compare_wanted = Signal()

    def __init__(self, draft: DraftModel, accounts: AccountsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft, self._accounts = draft, accounts
        self.provider = MenuButton("Provider", self)
        self.provider.setObjectName("provider")
        self.provider.choices.triggered.connect(lambda action: draft.choose_provider(action.data()))
        self.tier = MenuButton("Quality", self)
        self.tier.choices.triggered.connect(self._on_tier)
        self.takes = MenuButton("Takes", self)
        self.takes.choices.triggered.connect(lambda action: draft.choose_takes(action.data()))
        self.via = MenuButton("Files via", self)
        self.via.setObjectName("inputsVia")
        self.via.choices.triggered.connect(self._on_via)
        self.compare = Button(COMPARE, self, kind="link")
        self.compare.setObjectName("compareProviders")
        self.compare.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.compare.clicked.connect(self.compare_wanted)
        self.sound = Button(KEEP_SOUND, self, icon_name="music")
        self.sound.setObjectName("keepSound")
        self.sound.setAccessibleName(KEEP_SOUND)
        self.sound.setCheckable(True)
        self.sound.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.sound.clicked.connect(draft.choose_keep_audio)
        flow = FlowLayout(self, gap=theme.px(theme.BETWEEN))
        for widget in (self.provider, self.via, self.tier, self.sound, self.takes, self.compare):
            flow.addWidget(widget)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        policy.setHorizontalPolicy(QSizePolicy.Policy.Preferred)
        self.setSizePolicy(policy)

    def fill(self) -> None:
        """Offer what there is."""
        draft = self._draft
        info = draft.provider
        for menu in (self.provider, self.tier, self.takes):
            menu.clear()
        for one in draft.providers:
            self.provider.offer(one.title, one.id, checked=one is info, state=self._key_words(one))
        for tier in info.tiers if info else ():
            self.tier.offer(TIERS[tier.value], tier.value, checked=tier is draft.tier)
        for count in TAKES:
            self.takes.offer(_takes(count), count, checked=count == draft.takes)
        self._fill_via()
        for button in (self.provider, self.tier, self.takes, self.sound):
            button.setEnabled(info is not None)
        self.compare.setVisible(info is not None)
        self.provider.show_choice(info.title if info else "Starting…")

    def refresh(self) -> None:
        """Show what is chosen."""
        draft = self._draft
        self.tier.show_choice(TIERS[draft.tier.value if draft.tier else "pro"])
        self.takes.show_choice(_takes(draft.takes))
        self.via.setVisible(draft.needs_host)
        host = draft.host
        self.via.setToolTip(
            f"Files via {host.title}\n{host.upload_note}" if host else "Another provider has to host the files"
        )
        self._show_sound()

    def say(self, brevity: int) -> None:
        """In fewer words the higher it is."""
        host = self._draft.host
        self.via.show_choice(host.title if host else "nobody yet", before="Via " if brevity else "Files via ")
        self.compare.setText("Compare" if brevity else COMPARE)
        self.compare.setAccessibleName(COMPARE)
        self.sound.setText("" if brevity > 1 else KEEP_SOUND)

    def _show_sound(self) -> None:
        draft = self._draft
        facts = draft.source.facts if draft.source else None
        has_sound = facts is None or facts.audio_codec is not None
        is_kept = draft.keep_audio and has_sound
        self.sound.setEnabled(draft.provider is not None and has_sound)
        self.sound.setChecked(is_kept)
        self.sound.show_icon("music" if is_kept else "volume-x")
        self.sound.setToolTip("Keep the sound of the clip in the take" if has_sound else "This clip has no sound")

    def _key_words(self, info: ProviderInfo) -> str:
        words = {None: "free", Place.NONE: "no key", Place.UNKNOWN: ""}
        return words.get(key_place(info, self._accounts), "key set")

    def _fill_via(self) -> None:
        draft = self._draft
        self.via.clear()
        for host in draft.hosts if draft.needs_host else ():
            self.via.offer(host.title, host.id, checked=host is draft.host, state=self._key_words(host))

    def _on_tier(self, action: QAction) -> None:
        from klingstudio.domain.request import Tier

        self._draft.choose_tier(Tier(action.data()))

    def _on_via(self, action: QAction) -> None:
        host = str(action.data())
        if self._accounts.state(host).is_there:
            self._draft.choose_inputs_via(host)
        else:
            self.settings_wanted.emit(host)
        # The mark went to what was pressed; it belongs to what is used.
        self._fill_via()


def _takes(count: int) -> str:
    return "1 take" if count == 1 else f"{count} takes"
