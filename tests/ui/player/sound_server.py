"""A PulseAudio server of our own whose loudspeaker nobody hears, and a microphone that records it."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import tempfile
import threading
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

_STARTING_S = 20.0
_RATE_HZ = 48_000
_SINK = "loudspeaker"


class SoundServer:
    """Runs until `stop`. Programs that are started with its `environ` know no other."""

    def __init__(self, folder: Path) -> None:
        socket = folder / "socket"
        self.environ = {
            **os.environ,
            "PULSE_SERVER": f"unix:{socket}",
            "PULSE_RUNTIME_PATH": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "HOME": str(folder),
            "QT_AUDIO_BACKEND": "pulseaudio",
        }
        self._socket = socket
        self._process: subprocess.Popen[bytes] | None = None
        self._module = ""
        self.start()

    def use(self) -> None:
        """From now on this process knows no other server."""
        os.environ.update(self.environ)

    def start(self) -> None:
        """Start the server, with a loudspeaker."""
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        command += ["-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"]
        self._process = subprocess.Popen(
            command, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._socket.exists)
        self.plug_in()

    def stop(self) -> None:
        """End the server."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def plug_in(self) -> None:
        """Now there is a loudspeaker."""
        self._module = self._ask("load-module", "module-null-sink", f"sink_name={_SINK}", f"rate={_RATE_HZ}")

    def pull_out(self) -> None:
        """Now there is none."""
        self._ask("unload-module", self._module)

    @contextlib.contextmanager
    def recording(self) -> Iterator[Recording]:
        """What comes out of the loudspeaker, from now on."""
        command = ["parec", "-d", f"{_SINK}.monitor", "--raw", "--format=s16le", f"--rate={_RATE_HZ}", "--channels=2"]
        with subprocess.Popen(
            [*command, "--latency-msec=10"], env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            recording = Recording(process)
            try:
                # A device that sleeps wakes up in large steps.
                until(lambda: recording.chunks > 50)
                yield recording
            finally:
                process.terminate()
                recording.join()

    def _ask(self, *words: str) -> str:
        return subprocess.run(
            ["pactl", *words], env=self.environ, check=True, capture_output=True, text=True
        ).stdout.strip()


class Recording:
    """Samples of the left channel, and when each of them was heard."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._values = array("h")
        self._beginnings_at: list[float] = []
        """When the first sample was heard, as each piece would have it."""
        self.chunks = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="microphone")
        self._thread.start()

    def join(self) -> None:
        """Until the end of what was recorded."""
        self._thread.join()

    @property
    def values(self) -> array[int]:
        """All samples so far."""
        with self._lock:
            return self._values[:]

    def heard_at(self, place: int) -> float:
        """The monotonic time at which a sample was heard."""
        return self._began_at + place / _RATE_HZ

    @property
    def _began_at(self) -> float:
        # The server works ahead now and then, and pieces come late when the machine is busy.
        with self._lock:
            return statistics.median(self._beginnings_at)

    def between(self, start_at: float, end_at: float) -> array[int]:
        """What was heard between two monotonic times."""
        began_at = self._began_at
        first, last = (max(0, round((at - began_at) * _RATE_HZ)) for at in (start_at, end_at))
        with self._lock:
            return self._values[first:last]

    def _run(self) -> None:
        assert self._process.stdout is not None
        rest = b""
        while piece := os.read(self._process.stdout.fileno(), 1 << 16):
            now, data = time.monotonic(), rest + piece
            whole = len(data) // 4 * 4
            rest, values = data[whole:], array("h")
            values.frombytes(data[:whole])
            with self._lock:
                self._values += values[::2]
                self.chunks += 1
                self._beginnings_at.append(now - len(self._values) / _RATE_HZ)


def until(is_so: object) -> None:
    """Wait for something that no event tells of."""
    deadline = time.monotonic() + _STARTING_S
    assert callable(is_so)
    while not is_so():
        assert time.monotonic() < deadline, "the sound server does not answer"
        time.sleep(0.01)


@contextlib.contextmanager
def running_server() -> Iterator[SoundServer]:
    """A server in a folder of its own. Its socket's name must be short."""
    with tempfile.TemporaryDirectory(prefix="ks-sound-", ignore_cleanup_errors=True) as folder:
        server = SoundServer(Path(folder))
        try:
            yield server
        finally:
            server.stop()
