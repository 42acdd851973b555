"""The sandbox with a witness in it: at each paid request it looks into the journal before anything is done.

`python -m tests.torture.kills.witness …` takes the arguments of the quick sandbox. Beside the folder of its state lies
`watched.txt`, the path of the journal that belongs to the running home; what was seen is appended to `posts.jsonl`.
Each edit is rendered once, because the edits are not what is looked at here.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from klingstudio.sandbox.front import Front
from tests.fakes.quick_sandbox import serve_remembering

WATCHED = "watched.txt"
POSTS = "posts.jsonl"


class Witness:
    """Writes down what the journal held when a paid request came in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def watch(self) -> None:
        """Stand before every dialect."""
        original = Front.__call__
        witness = self

        async def watched(self: Front, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or self._call_of(scope["method"], scope["path"]) != "submit":
                await original(self, scope, receive, send)
                return
            post = {"dialect": self._dialect, "at": time.time(), "intents": witness._intents()}
            body = bytearray()
            is_told = False

            async def heard() -> Message:
                nonlocal is_told
                message = await receive()
                body.extend(message.get("body", b""))
                if message["type"] == "http.request" and not message.get("more_body") and not is_told:
                    is_told = True
                    witness._tell(post, bytes(body))
                return message

            try:
                await original(self, scope, heard, send)
            finally:
                if not is_told:
                    witness._tell(post, None)

        Front.__call__ = watched  # type: ignore[method-assign]

    def _intents(self) -> list[str]:
        """Digests of the requests that the journal says are about to leave, or may have left."""
        place = (self._folder / WATCHED).read_text("utf-8")
        try:
            with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=5)) as journal:
                rows = journal.execute("SELECT body_sha256 FROM attempt WHERE state IN ('INTENT', 'UNKNOWN')")
                return [digest for (digest,) in rows]
        except sqlite3.Error as error:
            return [f"the journal could not be read: {error}"]

    def _tell(self, post: dict[str, Any], body: bytes | None) -> None:
        whole = {"sha256": hashlib.sha256(body).hexdigest(), "body": body.decode()} if body is not None else {}
        with (self._folder / POSTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(post | whole) + "\n")


if __name__ == "__main__":
    folder = Path(sys.argv[sys.argv.index("--state") + 1]).parent
    Witness(folder).watch()
    sys.exit(serve_remembering(sys.argv[1:]))
