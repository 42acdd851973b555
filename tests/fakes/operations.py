"""Every operation of an adapter, for suites that try each of them at each service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from klingstudio.domain.job import Order, Remote
from klingstudio.domain.request import Tier
from klingstudio.providers.base import Provider
from klingstudio.providers.registry import SERVICES, Entry
from tests.fakes.services import Clip, a_request, inputs


@dataclass(frozen=True, slots=True)
class Ground:
    """What operations work on: made while nothing goes wrong."""

    entry: Entry
    file: Path
    order: Order
    remote: Remote
    uploaded: str = ""


Operation = Callable[[Provider, Ground], Awaitable[object]]

OPERATIONS: dict[str, Operation] = {
    "authorize": lambda provider, on: provider.authorize(),
    "price": lambda provider, on: provider.price(Tier.PRO),
    "upload": lambda provider, on: provider.upload(on.file, "unique.mp4", lambda done, total: None),
    "delete": lambda provider, on: provider.delete(on.uploaded),
    "order": lambda provider, on: provider.order(a_request(on.entry), inputs(), Clip()),
    "submit": lambda provider, on: provider.submit(on.order),
    "poll": lambda provider, on: provider.poll(on.remote),
    "cancel": lambda provider, on: provider.cancel(on.remote),
    "find": lambda provider, on: provider.find(datetime.now(UTC) - timedelta(minutes=10)),
    "charge": lambda provider, on: provider.charge(on.remote),
}


def offers(entry: Entry, operation: str) -> bool:
    """Whether the service can be asked for this at all."""
    match operation:
        case "upload":
            return entry.info.hosts_files
        case "delete":
            return entry.info.can_delete
        case "cancel":
            return entry.info.can_cancel
        case _:
            return True


each_operation = pytest.mark.parametrize(
    ("entry", "operation"),
    [
        pytest.param(entry, operation, id=f"{entry.info.id}-{operation}")
        for entry in SERVICES
        for operation in OPERATIONS
        if offers(entry, operation)
    ],
)
