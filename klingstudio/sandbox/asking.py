"""What every dialect asks of a request: who is it, what is to go wrong, where did it come in."""

from __future__ import annotations

import re

from starlette.requests import Request

from klingstudio.sandbox.faults import Kind, Rule
from klingstudio.sandbox.front import faults_of

LAG_S = 5.0


def account_named(key: str) -> str:
    """The account behind a key that is good: the word at its end, else `sandbox`."""
    tail = re.search(r"[-_]([a-z][a-z0-9]{0,31})$", key)
    return tail[1] if tail else "sandbox"


def fault_of(request: Request, kind: Kind) -> Rule | None:
    """The rule of this kind that befalls the request."""
    return next((rule for rule in faults_of(request.scope) if rule.kind is kind), None)


def lag_s(rule: Rule) -> float:
    """How late a list is."""
    return LAG_S if rule.seconds is None else rule.seconds


def base_of(request: Request) -> str:
    """Scheme, host and port under which the request came in: every address in an answer begins with it."""
    return str(request.base_url).rstrip("/")
