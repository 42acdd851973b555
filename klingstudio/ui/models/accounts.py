"""Keys and accounts for the settings page and the Generate button. Every call to the keychain runs elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from klingstudio.domain.errors import Problem, StudioError
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.providers.base import ProviderInfo
    from klingstudio.studio import Studio


class Place(StrEnum):
    """Where a key is kept, in words."""

    UNKNOWN = ""
    ENVIRONMENT = "environment"
    KEYCHAIN = "keychain"
    SESSION = "session"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """What is known of a provider's key. Never the key itself."""

    place: Place = Place.UNKNOWN
    note: str = ""
    busy: str = ""
    """What is being done with it: `Saving`, `Testing`, `Removing`; empty for nothing."""
    answer: str = ""
    """What the last test or change came to, in words."""
    problem: Problem | None = None

    @property
    def is_there(self) -> bool:
        return self.place in {Place.ENVIRONMENT, Place.KEYCHAIN, Place.SESSION}


class AccountsModel(QObject):
    """One key state per provider."""

    changed = Signal(str)
    """Provider id."""
    key_saved = Signal(str)
    """Provider id."""
    consent_changed = Signal()

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._states: dict[str, KeyState] = {}

    def attach(self, studio: Studio) -> None:
        """The studio is open: see which keys there are."""
        from klingstudio.engine.tasks import TaskOwner

        self._studio = studio
        self._tasks = TaskOwner()
        for info in self.providers:
            self.look(info.id)
        self.consent_changed.emit()

    async def aclose(self) -> None:
        """Stop waiting for keychains and providers."""
        if self._tasks is not None:
            await self._tasks.aclose()

    # what stands now

    @property
    def providers(self) -> tuple[ProviderInfo, ...]:
        """Those that need a key."""
        infos = self._studio.providers if self._studio is not None else ()
        return tuple(info for info in infos if info.key_variable is not None)

    def state(self, provider_id: str) -> KeyState:
        return self._states.get(provider_id, KeyState())

    def asks_consent(self, provider_id: str) -> bool:
        """True while uploads to this provider become public and the person has not agreed to that."""
        studio = self._studio
        if studio is None or provider_id in studio.settings.choices.upload_consent:
            return False
        return studio.accounts.asks_consent(provider_id)

    @property
    def consents(self) -> frozenset[str]:
        return self._studio.settings.choices.upload_consent if self._studio is not None else frozenset()

    @property
    def billed_to(self) -> str:
        return self._studio.settings.choices.billed_to if self._studio is not None else ""

    @property
    def theme(self) -> str:
        return self._studio.settings.choices.theme if self._studio is not None else "system"

    # wishes

    def agree(self, provider_id: str) -> None:
        """Remember that the person agreed to public uploads."""
        self._update(upload_consent=self.consents | {provider_id})
        self.consent_changed.emit()

    def forget_consents(self) -> None:
        self._update(upload_consent=frozenset())
        self.consent_changed.emit()

    def set_billed_to(self, name: str) -> None:
        if name.strip() != self.billed_to:
            self._update(billed_to=name.strip())

    def set_theme(self, choice: str) -> None:
        self._update(theme=choice)

    def look(self, provider_id: str) -> None:
        """See whether there is a key and where."""
        self._do(provider_id, "", self._look)

    def set_key(self, provider_id: str, value: str) -> None:
        async def put(studio: Studio, which: str) -> KeyState:
            secret = await studio.accounts.set_key(which, value)
            self.key_saved.emit(which)
            return KeyState(place=Place(secret.where), note=secret.note, answer="Saved")

        self._do(provider_id, "Saving", put)

    def remove_key(self, provider_id: str) -> None:
        async def remove(studio: Studio, which: str) -> KeyState:
            await studio.accounts.remove_key(which)
            return replace(await self._look(studio, which), answer="Removed")

        self._do(provider_id, "Removing", remove)

    def test(self, provider_id: str) -> None:
        """Ask the provider whose key it is."""

        async def ask(studio: Studio, which: str) -> KeyState:
            account = await studio.accounts.test(which)
            works = f"Works for {account.name}" if account.name else "Works"
            left = f" · {account.balance} left" if account.balance is not None else ""
            return replace(await self._look(studio, which), answer=f"{works}{left}")

        self._do(provider_id, "Testing", ask)

    @staticmethod
    async def _look(studio: Studio, provider_id: str) -> KeyState:
        secret = await studio.accounts.key(provider_id)
        return KeyState(place=Place(secret.where), note=secret.note)

    def _do(self, provider_id: str, busy: str, act: Callable[[Studio, str], Coroutine[Any, Any, KeyState]]) -> None:
        studio, tasks = self._studio, self._tasks
        if studio is None or tasks is None:
            return

        async def run() -> None:
            self._set(provider_id, await act(studio, provider_id))

        self._set(provider_id, replace(self.state(provider_id), busy=busy, answer="", problem=None))
        tasks.restart(provider_id, run(), on_error=lambda error: self._failed(provider_id, error))

    def _failed(self, provider_id: str, error: Exception) -> None:
        before = replace(self.state(provider_id), busy="")
        if isinstance(error, StudioError):
            self._set(provider_id, replace(before, problem=error.problem))
        else:
            self._set(provider_id, before)
            self._problems.report("keys", error)

    def _set(self, provider_id: str, state: KeyState) -> None:
        self._states[provider_id] = state
        self.changed.emit(provider_id)

    def _update(self, **choices: object) -> None:
        if self._studio is None:
            return
        try:
            self._studio.settings.update(**choices)
        except StudioError as error:
            self._problems.report("settings", error)
