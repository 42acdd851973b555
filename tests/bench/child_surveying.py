"""From opening one clip or two until drafts, signatures and the change map are there. `child_surveying.py CLIP [AFTER]`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

# Loaded by the first thread that decodes otherwise, and no part of what is measured.
import av  # noqa: F401

from tests.bench.stage import Stage

stage = Stage(*map(Path, sys.argv[1:]))
player = stage.player
stage.until(lambda: bool(stage.view.took_ms))
began_s, began_cpu_s = time.perf_counter(), time.process_time()
stage.load()
stage.until_surveyed()
if len(sys.argv) > 2:
    stage.until(lambda: bool(player.changes) and None not in player.changes)
took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
print(json.dumps({"took_s": took_s, "cpu_s": cpu_s}))
stage.close()
