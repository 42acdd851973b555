"""The studio with a window on it; the only user of qasync."""

from __future__ import annotations

from klingstudio.app.collector import Collector
from klingstudio.app.loop import compare, run
from klingstudio.app.session import main

__all__ = ["Collector", "compare", "main", "run"]
