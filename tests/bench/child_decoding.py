"""The yardstick of time: decode clips to their end as fast as it goes, all at once. `child_decoding.py CLIP…`."""

from __future__ import annotations

import json
import sys
import threading
import time

import av


def decode(path: str) -> None:
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for _ in container.decode(stream):
            pass


threads = [threading.Thread(target=decode, args=(path,)) for path in sys.argv[1:]]
began_s = time.perf_counter()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"took_s": time.perf_counter() - began_s}))
