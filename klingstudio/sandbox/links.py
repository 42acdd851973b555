"""Links that need no key and stop working after a while."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping


class Links:
    """Signs the path of a result.

    Args:
        secret: whoever knows it can sign.
        lifetime_s: how long a link works.
    """

    def __init__(self, secret: str, lifetime_s: float) -> None:
        self._secret = secret.encode()
        self.lifetime_s = lifetime_s

    def query(self, path: str, *, is_expired: bool = False) -> str:
        """The query that opens `path`, beginning now; an expired one opens nothing and looks the same."""
        return self.query_until(path, time.time() + (-60 if is_expired else self.lifetime_s))

    def query_until(self, path: str, end: float) -> str:
        """The query that opens `path` until a moment in seconds since 1970."""
        expires = round(end, 3)
        return f"expires={expires}&signature={self._signature(path, str(expires))}"

    def is_open(self, path: str, query: Mapping[str, str]) -> bool:
        """Whether this query was signed here for this path and has not expired."""
        expires = query.get("expires", "")
        if not hmac.compare_digest(self._signature(path, expires), query.get("signature", "")):
            return False
        return float(expires) > time.time()

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
