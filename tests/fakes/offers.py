"""What a comparison answers in tests of the window."""

from __future__ import annotations

from typing import Any

from klingstudio.domain.fit import plan_fit
from klingstudio.engine.compare import Offer
from klingstudio.providers.base import ProviderInfo
from tests.fakes.studio import FACTS, PRICE, a_request


def an_offer(info: ProviderInfo, **changes: Any) -> Offer:
    """A provider that can do all of it, with a key."""
    plan = plan_fit(FACTS, info.limits)
    given: dict[str, Any] = {
        "info": info,
        "request": a_request(provider=info.id),
        "takes": 1,
        "has_key": True,
        "price": PRICE,
        "estimate": PRICE.of(plan.duration_s),
        "wait": None,
        "losses": (),
        "cautions": (),
        "problem": None,
        "plan": plan,
        "host": info,
        "order": None,
    }
    return Offer(**(given | changes))
