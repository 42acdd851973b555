"""The async face of the package: each call runs in a process of its own.

Whatever a file does to the decoder, crash, hang or eat memory, this program only sees a `StudioError`. Cancelling a
call kills its process and removes its unfinished file.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from klingstudio.domain.errors import DiskProblem, InputRefused, Kind, StudioError
from klingstudio.domain.job import Clip
from klingstudio.domain.media import ClipFacts, FitPlan, ImageFacts, Limits, PictureEdit
from klingstudio.media.whole_file import discard, new_part

log = logging.getLogger(__name__)

OnProgress = Callable[[float], None]

_GB = 1024**3
_SILENCE_S = 15.0
_LINE_MAX_BYTES = 64 * 1024 * 1024
"""A strip of pictures arrives as one line."""
_PASSED_ON = (
    "PATH", "HOME", "USER", "LANG", "LANGUAGE", "TMPDIR", "TEMP", "TMP", "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "SYSTEMDRIVE", "USERPROFILE",
)  # fmt: skip
"""All that a worker learns of the environment; keys are not among it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one kind of call may use."""

    wall_s: float
    silence_s: float | None = None
    """How long nothing may be heard, where the call tells how far it is: by then a file keeps the decoder in a loop."""
    memory_bytes: int = 3 * _GB
    """Address space, not memory in use. Fitting 4K HDR with eight threads was seen to reserve 1.3 GB, 8K 2.6 GB."""
    nice: int = 0


ALLOWANCES: Mapping[str, Allowance] = {
    "probe": Allowance(wall_s=180, silence_s=_SILENCE_S),
    "image": Allowance(wall_s=30),
    "clean_image": Allowance(wall_s=60),
    "edit_image": Allowance(wall_s=120),
    "poster": Allowance(wall_s=60),
    "filmstrip": Allowance(wall_s=120),
    "frame_times": Allowance(wall_s=120),
    "verify": Allowance(wall_s=120, silence_s=_SILENCE_S),
    "fit": Allowance(wall_s=900, memory_bytes=4 * _GB, nice=10),
    "sample": Allowance(wall_s=120),
}


def worker_command() -> list[str]:
    """The command line of a worker. A frozen bundle, which has no `-m`, changes this one function."""
    # -P: a file called `av.py` in the current folder is not imported.
    return [sys.executable, "-P", "-m", "klingstudio.media.child"]


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of the environment a worker gets to see."""
    kept = {name: value for name, value in environ.items() if name.upper() in _PASSED_ON or name.startswith("LC_")}
    package = str(Path(__file__).parents[2])
    kept["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [kept.get("PYTHONPATH")])])
    # Each thread's own heap would reserve 64 MB of the address space that is limited.
    kept["MALLOC_ARENA_MAX"] = "2"
    return kept


class MediaWorker:
    """Probing, fitting, verifying and drawing, each call in a limited process."""

    def __init__(self, command: Sequence[str] | None = None, allowances: Mapping[str, Allowance] = ALLOWANCES) -> None:
        self._command = tuple(command or worker_command())
        self._allowances = allowances
        self._heavy = asyncio.Semaphore(max(1, (os.cpu_count() or 2) // 2))

    async def probe(self, path: Path) -> ClipFacts:
        """Measure a source.

        Raises:
            InputRefused: it cannot be used; the kind says why.
            StudioError: `MEDIA_WORKER_FAILED`, as every method of this class.
        """
        return _clip_facts(await self._run("probe", path))

    async def image(self, path: Path) -> ImageFacts:
        """Measure a picture.

        Raises:
            InputRefused: it cannot be used; the caller adds the subject.
        """
        return ImageFacts(**await self._run("image", path))

    async def clean_image(self, path: Path, out: Path, formats: Sequence[str]) -> Path:
        """A picture upright, in one of the formats, without EXIF, position and XMP.

        Returns:
            `path` when there is nothing to change, else `out` with the ending of what it is.

        Raises:
            InputRefused: it cannot be used; the caller adds the subject.
            DiskProblem: `out` cannot be written.
        """
        async with _part(out) as part:
            return Path(await self._run("clean_image", path, out=str(out), part=str(part), formats=list(formats)))

    async def edit_image(self, path: Path, edit: PictureEdit, out: Path) -> Path:
        """A picture turned, cropped, padded and scaled; see `klingstudio.media.images.edit_image`.

        Returns:
            `out` with the ending of what it is.

        Raises:
            InputRefused: it cannot be used, or not be made small enough; the caller adds the subject.
            DiskProblem: `out` cannot be written.
        """
        async with _part(out) as part:
            return Path(await self._run("edit_image", path, edit=asdict(edit), out=str(out), part=str(part)))

    async def fit(
        self, source: Path, plan: FitPlan, *, limits: Limits, keep_audio: bool, out: Path, on_progress: OnProgress
    ) -> Clip:
        """Make the clip that is sent. With an identity plan the clip is the source and nothing is written.

        Raises:
            InputRefused: the source cannot be decoded, or not be made small enough.
            DiskProblem: `out` cannot be written.
        """
        details = {
            "plan": asdict(plan),
            "clip_limits": asdict(limits),
            "keep_audio": keep_audio,
            "out": str(out),
        }
        if plan.is_identity:
            return Clip(**await self._run("fit", source, on_progress, **details))
        async with self._heavy, _part(out) as part:
            return Clip(**await self._run("fit", source, on_progress, part=str(part), **details))

    async def verify(self, path: Path, on_progress: OnProgress) -> ClipFacts:
        """Decode all of a take, strictly.

        Raises:
            StudioError: `RESULT_DAMAGED`.
        """
        async with self._heavy:
            return _clip_facts(await self._run("verify", path, on_progress))

    async def poster(self, path: Path, at_s: float, width_px: int) -> bytes:
        """One upright frame as PNG."""
        return base64.b64decode(await self._run("poster", path, at_s=at_s, width_px=width_px))

    async def filmstrip(self, path: Path, count: int, height_px: int) -> list[bytes]:
        """`count` upright frames as PNG, spread evenly."""
        pictures = await self._run("filmstrip", path, count=count, height_px=height_px)
        return [base64.b64decode(picture) for picture in pictures]

    async def frame_times(self, path: Path) -> tuple[float, ...]:
        """Where a clip can be cut, in seconds after its first frame: when each frame is shown and when the last ends.

        Raises:
            InputRefused: it cannot be used; the kind says why.
        """
        return tuple(await self._run("frame_times", path))

    async def sample(self, out: Path) -> Path:
        """The sample clip, drawn and encoded on first use.

        Raises:
            DiskProblem: `out` cannot be written.
        """
        if _exists(out):
            return out
        async with self._heavy, _part(out) as part:
            return Path(await self._run("sample", out, part=str(part)))

    async def _run(self, do: str, path: Path, on_progress: OnProgress | None = None, **details: Any) -> Any:
        allowance = self._allowances[do]
        command = _command(do, path, allowance, details)
        async with _process(self._command) as process:
            try:
                async with asyncio.timeout(allowance.wall_s):
                    return await _converse(process, command, allowance.silence_s, on_progress)
            except TimeoutError:
                raise _failed(f"{do}: no answer within {allowance.wall_s:g} s") from None


def _command(do: str, path: Path, allowance: Allowance, details: dict[str, Any]) -> dict[str, Any]:
    limits = {
        "memory_bytes": allowance.memory_bytes,
        "cpu_s": int(allowance.wall_s * max(1, min(os.cpu_count() or 1, 8))),
        "nice": allowance.nice,
        "parent": os.getpid(),
    }
    return {"do": do, "limits": limits, "path": str(path.absolute()), **details}


async def _converse(
    process: asyncio.subprocess.Process,
    command: dict[str, Any],
    silence_s: float | None,
    on_progress: OnProgress | None,
) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(command, default=str).encode("ascii") + b"\n")
        await process.stdin.drain()
        process.stdin.close()
        while line := await _heard(process.stdout, command["do"], silence_s):
            match _read(line):
                case {"progress": float() | int() as done}:
                    if on_progress is not None:
                        on_progress(done)
                case {"result": result}:
                    return result
                case {"problem": problem, **rest}:
                    if "traceback" in rest:
                        log.error("media worker, %s:\n%s", command["do"], rest["traceback"])
                    raise _as_error(problem)
                case _:
                    raise _failed(f"{command['do']}: an answer that makes no sense")
    except (ConnectionError, ValueError) as error:
        # ValueError: a line that is no JSON, or has no end.
        raise _failed(f"{command['do']}: {error}") from error
    raise _failed(f"{command['do']}: {_how_it_ended(await process.wait())}")


async def _heard(answers: asyncio.StreamReader, do: str, silence_s: float | None) -> bytes:
    patience = asyncio.timeout(silence_s)
    try:
        async with patience:
            return await answers.readline()
    except TimeoutError:
        if not patience.expired():
            raise
        raise _failed(f"{do}: nothing heard for {silence_s:g} s") from None


@asynccontextmanager
async def _process(command: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker in a process group of its own, which is gone when the block is left."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=worker_environment(os.environ),
            start_new_session=True,
            limit=_LINE_MAX_BYTES,
        )
    except OSError as error:
        raise _failed(f"cannot be started: {error.strerror}") from error
    try:
        yield process
    finally:
        _kill(process)
        if process.stdin is not None:
            process.stdin.close()
        if process.stdout is not None:
            # Read to its end, so that the pipe is closed before the loop may be.
            while await process.stdout.read(_LINE_MAX_BYTES):
                pass
        await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@asynccontextmanager
async def _part(out: Path) -> AsyncIterator[Path]:
    """The unfinished file of a call; whatever happens to the call, it does not stay."""
    part = new_part(out)
    try:
        yield part
    finally:
        discard(part)


def _exists(path: Path) -> bool:
    return path.exists()


def _clip_facts(raw: dict[str, Any]) -> ClipFacts:
    try:
        return ClipFacts(**raw | {"fps": Fraction(raw["fps"])})
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise _failed("an answer that makes no sense") from error


def _read(line: bytes) -> object:
    try:
        return json.loads(line)
    except RecursionError as error:
        # Who opens hostile files may come to say anything.
        raise ValueError("an answer without end") from error


def _as_error(problem: dict[str, str]) -> StudioError:
    try:
        error = {"InputRefused": InputRefused, "DiskProblem": DiskProblem}.get(problem["type"], StudioError)
        return error(Kind(problem["kind"]), problem["detail"], subject=problem["subject"])
    except (KeyError, TypeError, ValueError):
        return _failed("an answer that makes no sense")


def _failed(detail: str) -> StudioError:
    return StudioError(Kind.MEDIA_WORKER_FAILED, detail)


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
