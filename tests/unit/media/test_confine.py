"""What the process that opens files of strangers cannot do any more. Each try is made in a process of its own."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.media.made_clips import make_clip

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"},
    reason="other systems have no such thing",
)
BEGIN = "import os, socket, subprocess, sys\nfrom klingstudio.media.confine import confine\nassert confine()\n"


def confined(script: str, *arguments: str) -> str:
    """What a confined process prints, its error included."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script, *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "try_it",
    [
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair()",
        "subprocess.run(['/bin/true'])",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_it_gets_no_socket_and_starts_no_program(try_it: str) -> None:
    assert "PermissionError" in confined(try_it)


def test_what_it_forks_is_confined_too() -> None:
    assert "PermissionError" in confined("if not os.fork(): socket.socket()\nos.wait()")


def test_nobody_is_called_although_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)

        said = confined("socket.create_connection(('127.0.0.1', int(sys.argv[1])))", str(listener.getsockname()[1]))

        assert "PermissionError" in said
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_clip_is_still_verified(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", count=5, sound_s=0.2)

    said = confined(
        "from pathlib import Path\nfrom klingstudio.media.verify import verify\nprint(verify(Path(sys.argv[1])).frame_count)",
        str(clip),
    )

    assert said == "5\n"
