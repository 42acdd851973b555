"""The real accounts with keys from an environment of their own and a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from klingstudio.engine.accounts import Accounts
from klingstudio.net.retry import Patience
from klingstudio.vault import Vault


class Clock:
    """Stands still until somebody changes `now`."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def _no_sandbox() -> str:
    raise AssertionError("the sandbox was asked for")


@asynccontextmanager
async def some_accounts(environ: Mapping[str, str], clock: Clock | None = None) -> AsyncIterator[Accounts]:
    """Accounts that try everything once. Keys and addresses are those of `environ`."""
    vault = Vault(environ)
    accounts = Accounts(
        vault,
        environ=environ,
        patience=Patience(sleep=lambda _: asyncio.sleep(0), random=random.random, tries=1),
        now=clock or Clock(),
        sandbox_address=_no_sandbox,
    )
    try:
        yield accounts
    finally:
        await accounts.aclose()
        vault.close()
