"""Bad networks: lines that break at any byte, strangers that answer, certificates that are not to be believed.

Whatever befalls: a file arrives whole or not at all, an order goes out once or not at all, a key goes nowhere else.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from klingstudio.media.worker import MediaWorker
from klingstudio.providers.registry import SERVICES
from tests.fakes.sandbox import run_sandbox
from tests.torture.network.certificates import meet_servers
from tests.torture.network.downloads import SERVERS, cut_downloads, films
from tests.torture.network.strangers import REDIRECTS, fetch_from_strangers, meet
from tests.torture.network.uploads import WAYS, cut_uploads
from tests.torture.parts import Stint, Verdict

CUTS = 100
"""For each way of uploading, and for each kind of server that is downloaded from."""
PORTALS = (200, 302, 307, 404, 511)


def run(stint: Stint) -> Verdict:
    """All of it, or as much as there is time for."""
    return asyncio.run(_run(stint))


async def _run(stint: Stint) -> Verdict:
    counts: dict[str, int | float | str] = {}
    wrong: list[str] = []
    with TemporaryDirectory(prefix="klingstudio-torture-") as name:
        folder = Path(name)
        file = folder / "clip.mp4"
        with run_sandbox(folder / "sandbox", "--queue-delay", "99999") as sandbox:
            for how in WAYS:
                if not stint.is_over():
                    sent = await cut_uploads(how, sandbox, file, cuts=CUTS, seed=stint.seed)
                    counts[f"upload {how.name}"] = f"{sent.right} of {sent.cuts}, {sent.most_extra:.0%} extra at most"
                    wrong += sent.wrong
            file.write_bytes(b"\0\0\0\x18ftypisom" + bytes(1000))
            for entry in SERVICES:
                if not stint.is_over():
                    met = await meet(entry, sandbox, file, portals=PORTALS, hops=REDIRECTS)
                    counts[f"strangers of {entry.info.id}"] = met.calls
                    wrong += met.wrong
        met = await fetch_from_strangers(folder, portals=PORTALS, hops=REDIRECTS)
        counts["strangers of results"] = met.calls
        checked = await meet_servers(folder)
        counts["calls to TLS servers"] = checked.calls
        wrong += met.wrong + checked.wrong
        for server in SERVERS:
            if not stint.is_over():
                got = await cut_downloads(
                    server,
                    films(folder),
                    folder,
                    cuts=CUTS,
                    seed=stint.seed,
                    media=MediaWorker(),
                    is_over=stint.is_over,
                )
                counts[f"download {server.name}"] = (
                    f"{got.right} of {got.cuts}, {got.most_extra:.0%} extra at most, {got.refused} halves refused"
                )
                wrong += got.wrong
    return Verdict(part="network", counts=counts, violations=tuple(wrong))
