"""The person's choices. Never a key."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

import msgspec

from klingstudio.domain.budget import Cap
from klingstudio.domain.request import Tier
from klingstudio.store.database import Database


@dataclass(frozen=True, slots=True)
class Snippet:
    """A name and the words that it puts into a prompt."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Every setting with its default."""

    provider: str = ""
    """Id of the provider chosen last; empty until one was chosen."""
    tier: Tier = Tier.PRO
    keep_audio: bool = True
    takes: int = 1
    theme: str = "system"
    """`system`, `light` or `dark`."""
    upload_consent: frozenset[str] = frozenset()
    """Providers whose public hosting of uploads the person agreed to."""
    billed_to: str = ""
    """Organisation that is billed and keeps the results; empty: the key's own account."""
    caps: tuple[Cap, ...] = ()
    """What may be spent in a day and in a month, by currency; a currency without one is not limited."""
    send_grace: bool = True
    """Generate can be taken back for three seconds before anything is recorded or sent."""
    snippets: tuple[Snippet, ...] = ()
    """The person's own words for a prompt, in the order they were made."""
    inputs_via: str = ""
    """Provider that hosts the files of one that hosts none; empty: the first that can and has a key."""
    current_draft: str = ""
    """Id of the draft that was on the screen last."""


class Settings:
    """The choices and the place they are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._choices = _read(database)

    @property
    def choices(self) -> Choices:
        """The settings as they stand."""
        return self._choices

    def update(self, **changes: Any) -> Choices:
        """Change and store some choices.

        Raises:
            TypeError: a name that is no setting.
        """
        choices = replace(self._choices, **changes)
        rows = [(key, msgspec.json.encode(getattr(choices, key)).decode()) for key in changes]
        self._database.write(
            lambda sql: sql.executemany("INSERT OR REPLACE INTO setting(key, value) VALUES (?, ?)", rows)
        )
        self._choices = choices
        return choices


def _read(database: Database) -> Choices:
    types = get_type_hints(Choices)
    found: dict[str, Any] = {}
    for row in database.read("SELECT key, value FROM setting"):
        # A value of an older or newer program that no longer fits is left at its default, not fatal.
        if row["key"] in types:
            with contextlib.suppress(msgspec.MsgspecError):
                found[row["key"]] = msgspec.json.decode(row["value"], type=types[row["key"]])
    return Choices(**found)
