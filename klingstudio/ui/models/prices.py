"""What the providers ask for: read once per provider and quality, and again when a key came or went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.price import Price
    from klingstudio.domain.request import Tier
    from klingstudio.engine.tasks import TaskOwner
    from klingstudio.studio import Studio


class PricesModel(QObject):
    """Keeps every price that was read. None: the provider does not tell, or it is not read yet."""

    changed = Signal()

    def __init__(self, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._tasks: TaskOwner | None = None
        self._known: dict[tuple[str, Tier | None], Price | None] = {}

    def attach(self, studio: Studio, tasks: TaskOwner) -> None:
        self._studio, self._tasks = studio, tasks

    def of(self, provider_id: str, tier: Tier | None) -> Price | None:
        return self._known.get((provider_id, tier))

    def forget(self) -> None:
        """A key was added or removed: a live price may have become readable."""
        self._known.clear()

    def read(self, provider_id: str, tier: Tier | None) -> None:
        """See to it that this price becomes known."""
        if self._studio is None or self._tasks is None or not provider_id or tier is None:
            return
        if (provider_id, tier) not in self._known:
            self._tasks.start(
                f"price {provider_id} {tier}",
                self._ask(self._studio, provider_id, tier),
                on_error=lambda error: self._problems.report("reading the price", error),
            )

    async def _ask(self, studio: Studio, provider_id: str, tier: Tier) -> None:
        self._known[provider_id, tier] = await studio.accounts.price(provider_id, tier)
        self.changed.emit()
