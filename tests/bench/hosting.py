"""The upload of a 200 MB clip, ours and the official clients', into the same sandbox and in turn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import trustme

from tests.bench.child import NotMeasured, told
from tests.bench.table import Figure
from tests.bench.upload import big_file
from tests.fakes.sandbox import Sandbox, run_sandbox

RUNS = 5

Run = dict[str, float | None]
Pair = tuple[Run, Run]


def measure(folder: Path, runs: int | None) -> list[Figure]:
    """Each upload is a process of its own; in every second pair the other side begins."""
    clip = big_file(folder / "clip.mp4")
    fal, segmind, note = [], [], ""
    try:
        with _sandbox(folder) as (sandbox, authority):
            for turn in range(runs or RUNS):
                fal.append(_pair("fal", "fal-client", sandbox.at("fal"), clip, authority, turn))
                segmind.append(_pair("segmind", "segmind-client", sandbox.at("segmind"), clip, authority, turn))
                _forget_uploads(folder / "sandbox" / "blobs")
    except NotMeasured as error:
        note, fal, segmind = str(error), [], []
    return [
        Figure(
            name="200 MB to fal.ai, peer fal-client",
            ours=_middle(fal, 0, "took_s"),
            peer=_middle(fal, 1, "took_s"),
            unit="s",
            must=1.0,
            judges_ratio=True,
            note=note or _ratios(fal, "took_s"),
        ),
        Figure(
            name="memory growth, 200 MB to fal.ai",
            ours=_middle(fal, 0, "growth_mb"),
            peer=_middle(fal, 1, "growth_mb"),
            unit="MB",
            must=8,
            note=note or _worst(fal, "growth_mb"),
        ),
        Figure(
            name="memory growth, 200 MB to Segmind, peer SDK",
            ours=_middle(segmind, 0, "growth_mb"),
            peer=_middle(segmind, 1, "growth_mb"),
            unit="MB",
            must=0.02,
            judges_ratio=True,
            note=note or f"time {_middle(segmind, 0, 'took_s'):.1f} s, peer {_middle(segmind, 1, 'took_s'):.1f} s",
        ),
    ]


@contextmanager
def _sandbox(folder: Path) -> Iterator[tuple[Sandbox, Path]]:
    """fal.ai's part speaks https, because its own client speaks nothing else."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    with run_sandbox(folder / "sandbox", "--certificate", str(folder / "server.pem")) as sandbox:
        yield sandbox, folder / "authority.pem"


def _pair(ours: str, peer: str, address: str, clip: Path, authority: Path, turn: int) -> Pair:
    order = (ours, peer) if turn % 2 else (peer, ours)
    done = {side: _run(side, address, clip, authority) for side in order}
    return done[ours], done[peer]


def _run(side: str, address: str, clip: Path, authority: Path) -> Run:
    environ = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    return told("child_hosting.py", side, address, clip, environ=environ | {"SSL_CERT_FILE": str(authority)})


def _forget_uploads(blobs: Path) -> None:
    # A gigabyte a run would fill the disk; nobody asks for these files again.
    for blob in blobs.rglob("*"):
        if blob.is_file():
            blob.write_bytes(b"")


def _middle(pairs: list[Pair], side: int, name: str) -> float | None:
    values = [value for pair in pairs if (value := pair[side][name]) is not None]
    return median(values) if values else None


def _ratios(pairs: list[Pair], name: str) -> str:
    ratios = sorted((ours[name] or 0) / (peer[name] or 1) for ours, peer in pairs)
    return f"{len(ratios)} pairs, their ratios {ratios[0]:.2f} to {ratios[-1]:.2f}"


def _worst(pairs: list[Pair], name: str) -> str:
    values = [value for ours, _ in pairs if (value := ours[name]) is not None]
    return f"worst of {len(values)} runs {max(values):.1f}" if values else "not known on this system"
