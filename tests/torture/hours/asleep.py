"""The computer falls asleep with an edit at each of its phases: the real program, stopped, and its connections cut.

It is stopped as SIGSTOP does it: in the middle of whatever it does, clocks and timers of everybody else going on. What
it was connected to has hung up when it wakes.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.command_line import CommandLine, until_state
from tests.fakes.sandbox import Sandbox

Faults = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Nap:
    """Where it falls asleep, and what has happened to its connections by the time that it wakes."""

    phase: str
    faults: Faults


NAPS: Mapping[str, Nap] = {
    "while preparing": Nap("preparing", []),
    "before the upload": Nap("prepared", []),
    "the upload is reset": Nap("uploading", [{"call": "upload", "kind": "reset_after"}]),
    "the upload is not answered": Nap("uploading", [{"call": "upload", "kind": "drop_after"}]),
    "before the intent": Nap("ready", []),
    "the answer waits in the socket": Nap("submitting", [{"call": "submit", "kind": "slow", "seconds": 0.3}]),
    "the order is reset": Nap("submitting", [{"call": "submit", "kind": "reset_after"}]),
    "the order is not answered": Nap("submitting", [{"call": "submit", "kind": "drop_after"}]),
    "the order is cut": Nap("submitting", [{"call": "submit", "kind": "truncated"}]),
    "while at the provider": Nap("remote", [{"call": "poll", "kind": "reset_before"}]),
    "the link expires": Nap("succeeded", [{"call": "result", "kind": "expired_link"}]),
    "the download is cut": Nap("downloading", [{"call": "result", "kind": "truncated"}]),
    "the download is reset": Nap("downloading", [{"call": "result", "kind": "reset_before"}]),
    "while verifying": Nap("verifying", []),
}


def sleep_through(run: CommandLine, sandbox: Sandbox, clip: Path, nap: Nap, *, seconds: float) -> list[str]:
    """One edit with one nap; every promise that was broken."""
    posts, charges = len(sandbox.requests("POST", "/api/ai/queue")), len(sandbox.ledger())
    sandbox.faults(nap.faults)
    edit = run.start("edit", str(clip), "--prompt", "deep snow", "--json")
    until_state(edit, nap.phase)
    os.kill(edit.pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        os.kill(edit.pid, signal.SIGCONT)
    out, err = edit.communicate(timeout=100)
    last = json.loads(out.splitlines()[-1]) if out else {}
    found = []
    if last.get("state") != "completed" or not Path(last["take"]).is_file():
        found.append(f"it ended as {last} {err[-500:]}")
    sent = len(sandbox.requests("POST", "/api/ai/queue")) - posts
    charged = len(sandbox.ledger()) - charges
    if (sent, charged) != (1, 1):
        found.append(f"{sent} orders, {charged} charges")
    return found
