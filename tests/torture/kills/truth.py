"""What really happened, told by those who cannot be killed: the sandbox's ledger and log, and the witness in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from klingstudio.sandbox.asking import account_named
from tests.fakes.sandbox import Sandbox
from tests.torture.kills.witness import POSTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One accepted order."""

    remote_id: str
    asset_url: str
    account: str
    amount: Decimal | None
    """None: not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One paid request that reached the service."""

    body: str | None
    """None: it did not come whole."""
    sha256: str | None
    intents: tuple[str, ...]
    """Digests of the bodies that the journal spoke of at that moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request of any kind."""

    call: str
    dialect: str
    path: str
    account: str
    """Empty: it carried no key."""
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """All that is known on the other side."""

    charges: tuple[Charge, ...] = ()
    posts: tuple[Post, ...] = ()
    requests: tuple[Seen, ...] = ()

    def posts_of(self, sha256: str) -> int:
        """How often this body arrived."""
        return sum(post.sha256 == sha256 for post in self.posts)

    def charged_assets(self) -> Counter[str]:
        """How many takes were charged for each address of a clip."""
        return Counter(charge.asset_url for charge in self.charges)


def read_truth(sandbox: Sandbox, folder: Path, accounts: frozenset[str], before: tuple[Seen, ...] = ()) -> Truth:
    """As of now. `accounts`: those of this run; `before`: requests that were read, and forgotten there, earlier."""
    charges = tuple(
        Charge(
            remote_id=row["generation_id"],
            asset_url=row["input_video"],
            account=row["account"],
            amount=None if row["amount"] is None else Decimal(row["amount"]),
        )
        for row in sandbox.ledger()
        if row["account"] in accounts
    )
    posts = tuple(_post(json.loads(line)) for line in _lines(folder / POSTS))
    requests = (*before, *(_seen(row) for row in sandbox.forget_requests()))
    return Truth(charges=charges, posts=posts, requests=requests)


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _post(row: Mapping[str, Any]) -> Post:
    return Post(body=row.get("body"), sha256=row.get("sha256"), intents=tuple(row["intents"]))


def _seen(row: Mapping[str, Any]) -> Seen:
    headers: Mapping[str, str] = row["headers"]
    shown = headers.get("authorization") or headers.get("x-api-key") or ""
    key = shown.split()[-1] if shown else ""
    account = account_named(key) if "5ecret" in key else ""
    return Seen(
        call=row["call"], dialect=row["dialect"], path=row["path"] + "?" + row["query"], account=account, at=row["at"]
    )
