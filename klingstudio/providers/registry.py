"""The list of providers. Adding one is one file and one line here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from klingstudio.domain.job import Asset, Order
from klingstudio.domain.request import Request
from klingstudio.net.api import Api
from klingstudio.providers import fal, oxen, pixeldojo, segmind
from klingstudio.providers.base import Footage, Provider, ProviderInfo


@dataclass(frozen=True, slots=True)
class Entry:
    """How one provider is made."""

    info: ProviderInfo
    headers: Callable[[str], Mapping[str, str]]
    create: Callable[[ProviderInfo, Api, Callable[[], datetime]], Provider]
    planned_order: Callable[[Request, Sequence[Asset], Footage], Order]
    """The order as it would be sent, made without asking anybody."""


OXEN = Entry(oxen.INFO, oxen.headers, oxen.Oxen, oxen.planned_order)
FAL = Entry(fal.INFO, fal.headers, fal.Fal, fal.planned_order)
SEGMIND = Entry(segmind.INFO, segmind.headers, segmind.Segmind, segmind.planned_order)
PIXELDOJO = Entry(pixeldojo.INFO, pixeldojo.headers, pixeldojo.PixelDojo, pixeldojo.planned_order)

SANDBOX = replace(
    OXEN,
    info=replace(
        oxen.INFO,
        id="sandbox",
        title="Sandbox",
        key_variable=None,
        key_page="",
        history_page="",
        url_variable="",
        currency="play money",
        upload_is_public=False,
        upload_note="Everything stays on this computer.",
        upload_lifetime="Until you delete them; they stay on this computer.",
        result_lifetime="As long as this computer keeps it.",
        cancel_note="The sandbox stops at once and charges nothing.",
        poll_every_s=0.5,
    ),
)
"""The built-in stand-in: the first provider's adapter, pointed at a server of our own."""

SERVICES = (OXEN, FAL, SEGMIND, PIXELDOJO)
"""The services that do the work for money."""

ENTRIES = (*SERVICES, SANDBOX)


def owner_of(key: str) -> ProviderInfo | None:
    """The service whose keys look like this one; None where that cannot be told."""
    return next((e.info for e in SERVICES if e.info.key_form and re.fullmatch(e.info.key_form, key)), None)


def entry(provider_id: str) -> Entry | None:
    """The entry of a provider, or None for an unknown id."""
    return next((entry for entry in ENTRIES if entry.info.id == provider_id), None)
