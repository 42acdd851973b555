"""Which requests may carry a key, and which of a sandbox's log did although they may not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from klingstudio.sandbox.front import ELSEWHERE
from tests.torture.secrets import MARK, scan_bytes

KEYLESS_CALLS = frozenset({"fetch", "result", "put"})
"""Calls that no key may go to: uploaded files and results are read by anybody, signed addresses are signed."""
TOKEN_CALLS = {"fal": frozenset({"upload", "part", "complete"})}
"""Calls at a host of the service that knows tokens only, and no key."""
AT_HOME = frozenset({("oxen", "result")})
"""Files that a service may also give from its own address to whoever has the key, once their link is dead."""


def is_keyless(one: Mapping[str, Any]) -> bool:
    """True for a request that no key may be in: of a foreign host, or a call that needs none."""
    keyless = KEYLESS_CALLS | TOKEN_CALLS.get(one["dialect"], frozenset())
    return one["path"] == ELSEWHERE or one["call"] in keyless


def said(one: Mapping[str, Any]) -> str:
    """All that a request said, without its body."""
    return "\n".join([one["path"], one["query"], *one["headers"], *one["headers"].values()])


def keys_astray(log: Iterable[Mapping[str, Any]]) -> list[str]:
    """Requests with a key of the tests, in whatever shape, where none may be: in an address, or at such a call."""
    found = []
    for one in log:
        if scan_bytes("", f"{one['path']}\n{one['query']}".encode(), [MARK]):
            found.append(f"{one['dialect']} {one['call']}: in the address")
        elif (
            is_keyless(one)
            and (one["dialect"], one["call"]) not in AT_HOME
            and scan_bytes("", said(one).encode(), [MARK])
        ):
            found.append(f"{one['dialect']} {one['method']} {one['path']}")
    return found
