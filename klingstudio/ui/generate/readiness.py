"""Whether Generate can be pressed, and if not, the one reason that comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klingstudio.domain.errors import Kind, Problem
from klingstudio.ui import text
from klingstudio.ui.models.accounts import AccountsModel, Place
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.spending import SpendingModel

if TYPE_CHECKING:
    from klingstudio.providers.base import ProviderInfo

WHEN = {"day": "today", "month": "this month"}
"""By the value of each period."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether Generate can be pressed, and in one line why not."""

    ok: bool
    reason: str = ""
    place: str = ""
    """Where the reason lies: `source`, `prompt`, `image:2`, `element:1`, `key`, `host`, `budget`."""


def readiness(draft: DraftModel, accounts: AccountsModel, spending: SpendingModel) -> Readiness:
    """Whether the draft can be generated now."""
    info = draft.provider
    if info is None:
        return Readiness(False, "Starting…")
    if draft.source is None:
        return Readiness(False, "Add a video first", "source")
    if (problem := draft.problem()) is not None:
        return _refused(problem, info)
    if draft.is_reading:
        return Readiness(False, "Reading the files…")
    if key_place(info, accounts) is Place.NONE:
        return Readiness(False, f"No key for {info.title}", "key")
    if (full := spending.full(draft)) is not None:
        return Readiness(False, f"Over your limit for {WHEN[full.period.value]}", "budget")
    return Readiness(True)


def key_place(info: ProviderInfo, accounts: AccountsModel) -> Place | None:
    """Where the provider's key is; None for one that needs none."""
    return None if info.key_variable is None else accounts.state(info.id).place


def lower(words: str) -> str:
    """The same within a sentence."""
    return words[:1].lower() + words[1:]


def _refused(problem: Problem, info: ProviderInfo) -> Readiness:
    if problem.kind is Kind.PROMPT_EMPTY:
        return Readiness(False, "Write what should change", problem.subject)
    if problem.subject == "host":
        return Readiness(False, f"Nobody can host the files for {info.title}", "host")
    if problem.kind is Kind.NOT_SUPPORTED:
        return Readiness(False, problem.detail, problem.subject)
    where = text.place(problem.subject) if problem.subject.startswith(("image", "element")) else ""
    title = text.sentence(problem).title
    return Readiness(False, f"{where}: {lower(title)}" if where else title, problem.subject)
