"""How much memory a process has, and had at most. Linux only."""

from __future__ import annotations

from pathlib import Path


def resident_mb(field: str) -> float | None:
    """A memory figure of this process in MB (2^20 bytes): VmRSS is now, VmHWM the highest."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(text.split()[1]) / 1024 for text in lines if text.startswith(f"{field}:")), None)


def forget_highest() -> bool:
    """Let the highest value start again from the present one."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
