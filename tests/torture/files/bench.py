"""A place where edits are made whose disk fails: a sandbox, a process that lives are forked off, and a home for each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from klingstudio.media.digest import sha256_of
from tests.fakes.sandbox import ROOT, Sandbox, run_quick_sandbox
from tests.fakes.studio_run import a_clip, environ_of
from tests.torture.files.life import Order, Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One of them. Not for two cases at once."""

    folder: Path
    sandbox: Sandbox
    zygote: subprocess.Popen[bytes]

    @property
    def home(self) -> Path:
        """The program's folder of the present case."""
        return self.folder / "case" / "home"

    @property
    def source(self) -> Path:
        """The clip of the present case."""
        return self.folder / "case" / "film.mkv"

    def begin(self) -> None:
        """A new home, a new copy of the source, and a sandbox that has seen nothing."""
        shutil.rmtree(self.folder / "case", ignore_errors=True)
        self.source.parent.mkdir(parents=True)
        shutil.copy2(self.folder / "clip.mkv", self.source)
        self.sandbox.forget_requests()

    def order(self, **changes: object) -> Order:
        """One life on the present home."""
        told: dict[str, object] = {
            "folder": str(self.folder / "case"),
            "environ": environ_of(self.home, self.sandbox),
            "source": str(self.source),
        }
        return Order(**(told | changes))  # type: ignore[arg-type]

    def live(self, order: Order) -> Told:
        """Live it."""
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.zygote.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
        self.zygote.stdin.flush()
        return Told(**json.loads(self.zygote.stdout.readline()))

    @property
    def clip_mark(self) -> tuple[str, int, int]:
        """What the source must be at the end."""
        clip = self.folder / "clip.mkv"
        return sha256_of(clip), clip.stat().st_size, clip.stat().st_mtime_ns


@contextmanager
def a_bench(folder: Path) -> Iterator[Bench]:
    """Built and taken down again."""
    folder.mkdir(parents=True, exist_ok=True)
    # In a container that no service takes: it has to be fitted, and that costs little.
    a_clip(folder / "clip.mkv")
    command = [sys.executable, "-m", "tests.torture.files.life"]
    with (
        run_quick_sandbox(folder / "sandbox", "--queue-delay", "0", edits=folder) as sandbox,
        (folder / "zygote.txt").open("wb") as complaints,
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints) as zygote,
    ):
        try:
            yield Bench(folder=folder, sandbox=sandbox, zygote=zygote)
        finally:
            assert zygote.stdin is not None
            zygote.stdin.close()
