"""The process in which media files are opened: one command in, lines of JSON out, then it ends.

A hostile or broken file can at worst take this process with it. It limits its own memory, processor time and open
files, gives up the network and starting programs where the system lets it, dies with the program that started it, and
knows no key.

stdin, one line: `{"do": "probe", "limits": {...}, ...}`. stdout, one object a line: `{"progress": 0.5}` and at last
either `{"result": ...}` or `{"problem": {"kind", "detail", "subject", "type"}}`.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

from klingstudio.domain.errors import DiskProblem, InputRefused, Kind, StudioError
from klingstudio.media.confine import confine
from klingstudio.media.whole_file import disk_problem, is_of_the_disk

_PR_SET_PDEATHSIG = 1
_FILES_MAX = 128
_REPORT_EVERY_S, _ALIVE_EVERY_S = 0.1, 1.0


def restrain(*, memory_bytes: int, cpu_s: int, nice: int, parent: int) -> None:
    """Limit this process for the rest of its life.

    Memory and processor time are limited where the system can (Linux; macOS enforces only the time), and where it
    cannot, the time limit of the parent remains.
    """
    if sys.platform == "win32":
        return
    import resource

    limits = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _FILES_MAX),
    )
    for what, limit in limits:
        _, hard = resource.getrlimit(what)
        lowest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(what, (lowest, lowest))
        except (OSError, ValueError):
            continue
    if nice:
        os.nice(nice)
    # A write beyond a limit is an error like a full disk, not the end of the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            # It was gone before the request for its death signal was heard.
            os._exit(1)
    confine()


def was_short_of_memory() -> bool:
    """True when this process came close to its limit: some decoders then call the file damaged."""
    if sys.platform != "linux":
        return False
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    peak_kb = next(
        (
            int(line.split()[1])
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmPeak:")
        ),
        0,
    )
    return limit != resource.RLIM_INFINITY and peak_kb * 1024 > 0.85 * limit


def main() -> None:
    """Carry out the one command on stdin."""
    command = json.loads(sys.stdin.readline())
    answers = private_stdout()
    restrain(**command.pop("limits"))
    write_line(answers, answer(command, _Progress(answers)))


def private_stdout() -> TextIO:
    """Where answers go. Whatever a codec library prints must not land between them, and goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return answers


def write_line(answers: TextIO, line: dict[str, Any]) -> None:
    """Send one answer."""
    answers.write(json.dumps(line, default=_plain) + "\n")
    answers.flush()


def _plain(value: object) -> str:
    if isinstance(value, Fraction | Path):
        return str(value)
    raise TypeError(type(value).__name__)


class _Progress:
    """Reports progress at most ten times a second, and never backwards; once a second also that there is none."""

    def __init__(self, answers: TextIO) -> None:
        self._answers = answers
        self._told = 0.0
        self._last_at = monotonic()

    def __call__(self, done: float) -> None:
        if monotonic() - self._last_at < (_REPORT_EVERY_S if done > self._told else _ALIVE_EVERY_S):
            return
        self._told, self._last_at = max(done, self._told), monotonic()
        write_line(self._answers, {"progress": round(self._told, 4)})


def answer(command: dict[str, Any], on_progress: Callable[[float], None]) -> dict[str, Any]:
    """Carry out a command. Whatever comes of it, also a defect of ours, is a line to answer with."""
    try:
        return {"result": _carry_out(command, on_progress)}
    except StudioError as error:
        if error.problem.kind in {Kind.SOURCE_DAMAGED, Kind.RESULT_DAMAGED} and was_short_of_memory():
            return _failed("more memory than allowed")
        return _told(error)
    except MemoryError:
        return _failed("more memory than allowed")
    except Exception as error:  # noqa: BLE001 - the parent must hear of it, and the process ends here anyway
        if isinstance(error, OSError) and is_of_the_disk(error):
            return _told(disk_problem(error, Path(error.filename or command["path"])))
        return _failed(f"{type(error).__name__}: {error}") | {"traceback": traceback.format_exc()}


def _told(error: StudioError) -> dict[str, Any]:
    known = next((kind for kind in (InputRefused, DiskProblem) if isinstance(error, kind)), StudioError)
    problem = error.problem
    return {
        "problem": {
            "kind": problem.kind,
            "detail": problem.detail,
            "subject": problem.subject,
            "type": known.__name__,
        }
    }


def _failed(detail: str) -> dict[str, Any]:
    return {"problem": {"kind": Kind.MEDIA_WORKER_FAILED, "detail": detail, "subject": "", "type": "StudioError"}}


def _carry_out(command: dict[str, Any], on_progress: Callable[[float], None]) -> object:
    # Each import costs start-up time that the other commands do not have to pay.
    path = Path(command["path"])
    out, part = Path(command.get("out", "")), Path(command.get("part", ""))
    match command["do"]:
        case "probe":
            from klingstudio.media.probe import probe

            return asdict(probe(path, on_progress))
        case "verify":
            from klingstudio.media.verify import verify

            return asdict(verify(path, on_progress))
        case "fit":
            from klingstudio.domain.media import FitPlan, Limits
            from klingstudio.media.fit import fit

            clip = fit(
                path,
                FitPlan(**_plan(command["plan"])),
                limits=Limits(**command["clip_limits"]),
                keep_audio=command["keep_audio"],
                out=out,
                part=part,
                on_progress=on_progress,
            )
            return asdict(clip)
        case "image":
            from klingstudio.media.images import image

            return asdict(image(path))
        case "clean_image":
            from klingstudio.media.images import clean_image

            return clean_image(path, out, part, command["formats"])
        case "edit_image":
            from klingstudio.domain.media import PictureEdit
            from klingstudio.media.images import edit_image

            return edit_image(path, PictureEdit(**command["edit"]), out, part)
        case "poster":
            from klingstudio.media.thumbs import poster

            return _text(poster(path, command["at_s"], command["width_px"]))
        case "filmstrip":
            from klingstudio.media.thumbs import filmstrip

            return [_text(picture) for picture in filmstrip(path, command["count"], command["height_px"])]
        case "frame_times":
            from klingstudio.media.frame_times import frame_times

            return frame_times(path)
        case "sample":
            from klingstudio.media.sample import sample

            return sample(path, part, on_progress)
        case unknown:
            raise ValueError(unknown)


def _plan(raw: dict[str, Any]) -> dict[str, Any]:
    picture_px = raw["picture_px"] and tuple(raw["picture_px"])
    return raw | {"fps": Fraction(raw["fps"]), "steps": tuple(raw["steps"]), "picture_px": picture_px}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


if __name__ == "__main__":
    main()
