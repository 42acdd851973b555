"""A real sandbox process, reached over loopback, and a small clip with a green meadow in it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import av
import httpx
import pytest

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

ROOT = Path(__file__).resolve().parents[3]
T = TypeVar("T")
OMNI = "kling-video-o3-omni"


def client(base: str, **headers: str) -> httpx.Client:
    # Reading the system's certificates takes longer than most of these tests, and all is plain HTTP here.
    return httpx.Client(base_url=base, headers=headers, trust_env=False, verify=False, timeout=20)


@dataclass
class Sandbox:
    """A running sandbox."""

    process: subprocess.Popen[bytes]
    base: str

    def __post_init__(self) -> None:
        self.bare = client(self.base)
        """Sends no key."""

    def account(self) -> Account:
        """Somebody who was never here before."""
        return Account(self, "u" + uuid.uuid4().hex[:10])

    def faults(self, *rules: dict[str, Any]) -> None:
        """Replace the fault plan."""
        assert self.bare.post("/_sandbox/faults", json=list(rules)).json() == {"rules": len(rules)}

    def requests(self, name: str) -> list[dict[str, Any]]:
        """The logged requests whose path or key speaks of this account."""
        logged: list[dict[str, Any]] = self.bare.get("/_sandbox/requests").json()["requests"]
        return [one for one in logged if name in one["path"] or name in one["headers"].get("authorization", "")]

    def end(self) -> int:
        """Ask it to end, and wait."""
        self.bare.close()
        assert self.process.stdout
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise
        finally:
            self.process.stdout.close()
            if self.process.stdin:
                self.process.stdin.close()


@dataclass
class Account:
    """A user with a key and a public repository `inputs`."""

    sandbox: Sandbox
    name: str

    def __post_init__(self) -> None:
        self.key = f"key-{self.name}"
        self.http = client(self.sandbox.base, Authorization=f"Bearer {self.key}")

    def upload(self, path: Path, *, is_public: bool = True) -> str:
        """Commit a file into a new repository and return its address."""
        repo = "r" + uuid.uuid4().hex[:8]
        body = {"namespace": self.name, "name": repo, "is_public": is_public}
        assert self.http.post("/api/repos", json=body).status_code == 200
        folder = f"/api/repos/{self.name}/{repo}/file/main/clips"
        with path.open("rb") as file:
            reply = self.http.put(folder, files={"files[]": (path.name, file, "video/mp4")})
        assert reply.status_code == 200, reply.text
        return f"{self.sandbox.base}{folder}/{path.name}"

    def submit(self, **parameters: Any) -> httpx.Response:
        """Enqueue whatever this is."""
        return self.http.post("/api/ai/queue", json={"model": OMNI, **parameters})

    def order(self, **parameters: Any) -> str:
        """Enqueue one accepted order and return its id."""
        reply = self.submit(**parameters)
        assert reply.status_code == 200, reply.text
        (generation,) = reply.json()["generations"]
        return str(generation["generation_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """One poll."""
        view: dict[str, Any] = self.http.get(f"/api/ai/queue/{job_id}").json()
        return view

    def until(self, job_id: str, *statuses: str) -> dict[str, Any]:
        """Poll until the job has one of these statuses."""
        return until(lambda: self.job(job_id), lambda view: view["status"] in statuses)

    def until_ended(self, job_id: str) -> dict[str, Any]:
        return self.until(job_id, "succeeded", "failed", "cancelled")

    def charges(self) -> list[dict[str, Any]]:
        """What this account was charged."""
        charges = self.sandbox.bare.get("/_sandbox/ledger").json()["charges"]
        return [charge for charge in charges if charge["account"] == self.name]


def until(look: Callable[[], T], is_there: Callable[[T], bool], deadline_s: float = 40) -> T:
    """Look again and again; fail when it takes too long."""
    end = time.monotonic() + deadline_s
    while not is_there(seen := look()):
        assert time.monotonic() < end, seen
        time.sleep(0.05)
    return seen


class Launcher:
    """Starts sandboxes and ends them."""

    def __init__(self) -> None:
        self._started: list[Sandbox] = []

    def __call__(self, *arguments: str, stdin: int | None = subprocess.DEVNULL) -> Sandbox:
        process = subprocess.Popen(
            [sys.executable, "-m", "klingstudio.sandbox", *arguments], stdin=stdin, stdout=subprocess.PIPE, cwd=ROOT
        )
        assert process.stdout
        self._started.append(Sandbox(process, json.loads(process.stdout.readline())["oxen"]))
        return self._started[-1]

    def end(self) -> None:
        for sandbox in self._started:
            sandbox.end()


@pytest.fixture
def launch() -> Iterator[Launcher]:
    """For tests that need a sandbox of their own."""
    launcher = Launcher()
    yield launcher
    launcher.end()


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    launcher = Launcher()
    yield launcher("--queue-delay", "0.1")
    launcher.end()


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """A sandbox where nothing goes wrong unless the test says so."""
    shared_sandbox.faults()
    return shared_sandbox


@pytest.fixture
def account(sandbox: Sandbox) -> Iterator[Account]:
    somebody = sandbox.account()
    yield somebody
    somebody.http.close()


@pytest.fixture(scope="session")
def meadow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 s, 720×720, 12 frames a second: grass under a sky, a moving dot, and a tone."""
    return draw_clip(tmp_path_factory.mktemp("meadow") / "meadow.mp4", 720, 720)


def draw_clip(path: Path, width: int, height: int, *, uneven: bool = False, audio: str | None = "aac") -> Path:
    """Write the meadow at any size; `uneven` drops every fifth frame, so that the rate varies."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=12)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {"preset": "ultrafast"}
        tone = cast("AudioStream", out.add_stream(audio, rate=48000, layout="mono")) if audio else None
        for n in range(36):
            if uneven and n % 5 == 4:
                continue
            frame = av.VideoFrame(width, height, "rgb24")
            plane = frame.planes[0]
            padding = bytes(plane.line_size - width * 3)
            sky, grass = bytes((110, 160, 220)) * width + padding, bytes((60, 140, 40)) * width + padding
            dot = bytearray(grass)
            dot[n * 9 : n * 9 + 60] = bytes((220, 30, 30)) * 20
            plane.update(
                sky * (height // 2) + grass * (height // 4) + bytes(dot) * (height - height // 2 - height // 4)
            )
            frame.pts, frame.time_base = n, Fraction(1, 12)
            out.mux(video.encode(frame))
        if tone:
            for n in range(0, 3 * 48000, 1024):
                sound = av.AudioFrame("flt" if audio == "pcm_f32le" else "fltp", "mono", 1024)
                sound.planes[0].update(bytes(range(64)) * (sound.planes[0].buffer_size // 64))
                sound.sample_rate, sound.pts, sound.time_base = 48000, n, Fraction(1, 48000)
                out.mux(tone.encode(sound))
            out.mux(tone.encode(None))
        out.mux(video.encode(None))
    return path


@pytest.fixture(scope="session")
def draw() -> Callable[..., Path]:
    return draw_clip
