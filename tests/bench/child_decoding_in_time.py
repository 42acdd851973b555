"""The yardstick of work: decode a clip at the pace at which it is played, and do nothing more. `child_decoding_in_time.py CLIP`.

Threads that wait between frames cost a tenth more than threads that do not, and every player lets them wait.
"""

from __future__ import annotations

import json
import sys
import time

import av

from tests.bench.clips import FPS, SETTLED

began_s = began_cpu_s = 0.0
last = 0
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    for number, _ in enumerate(container.decode(stream)):
        if number == SETTLED:
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
        if number > SETTLED:
            time.sleep(max(0.0, began_s + (number - SETTLED) / FPS - time.perf_counter()))
        last = number
    cpu_s = time.process_time() - began_cpu_s
print(json.dumps({"cpu_s": cpu_s, "frames": last - SETTLED}))
