"""The named places where a life can end, planted from outside around the functions that the program really has.

A commit has three: before it begins, when all is written and nothing is committed, and right after. The paid request
has one at each step that the transport tells of. The rest stand before and after whatever touches a file, a process
or the other side.
"""

from __future__ import annotations

import functools
import inspect
import os
import signal
import stat
from collections.abc import AsyncIterator, Callable
from typing import Any

from klingstudio import studio
from klingstudio.engine import finish, prepare, queue
from klingstudio.engine.accounts import Accounts
from klingstudio.engine.fitting import Fits
from klingstudio.media.worker import MediaWorker
from klingstudio.net import download
from klingstudio.net.api import Api
from klingstudio.net.errors import SendingWatch
from klingstudio.store import database
from klingstudio.store.database import Database
from klingstudio.store.jobs import JobStore
from klingstudio.store.ledger import Ledger

MOVES = (
    "prepare", "prepared", "upload", "uploaded", "intent", "accepted", "remote_ok", "download", "bytes_done", "good",
    "amend", "create",
)  # fmt: skip
"""Commits of a job that nothing befalls."""
TROUBLED = (
    "ambiguous", "not_sent", "rejected", "found", "user_resubmit", "user_abandon", "crash", "stop", "upload_failed",
    "remote_failed", "remote_cancelled", "asset_expired",
)  # fmt: skip
"""Commits that take a fault, a kill or the person. Others are rarer still and have no promise to be reached."""
_STEPS = {
    "connection.connect_tcp.complete": "post: connected",
    "http11.send_request_headers.started": "post: head leaves",
    "http11.send_request_headers.complete": "post: head left",
    "http11.send_request_body.complete": "post: body left",
    "http11.receive_response_headers.complete": "post: answer begins",
    "http11.receive_response_body.complete": "post: answer read",
}
_CALLS = ("authorize", "upload", "submit", "poll", "find")
"""Of a provider's adapter."""
_WORK = ("probe", "fit", "verify")
_FILES = ("take", "part", "mark", "clip")
_STAGES = ("before", "in", "after")


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"{stage} {name}" for name in names for stage in ("before", "after"))


SMOOTH: tuple[str, ...] = (
    *(f"{stage} commit {move}" for move in MOVES for stage in _STAGES),
    *_STEPS.values(),
    *_both(*(f"call {call}" for call in _CALLS if call != "find")),
    *_both(*(f"worker {work}" for work in _WORK)),
    *_both(
        "migrate", "recover", "sweep", "open", "order", "name", "link take", "unlink part", "fsync part", "fsync folder"
    ),
    *_both("unlink mark", "upload files"),
    "upload block",
    "download begun",
    "download block",
)
"""What every life passes that brings a job from the beginning to its end."""
ROUGH: tuple[str, ...] = (
    *(f"{stage} commit {move}" for move in TROUBLED for stage in _STAGES),
    *_both("call find", "close", "link clip", "unlink clip", "write fit", "commit charge"),
)
"""What takes a fault, a kill before, the person, or a clip that has to be fitted."""
POINTS = (*SMOOTH, *ROUGH)
"""All of them. Each has to be reached in a whole run."""


class Trap:
    """Counts every passing out loud, and ends the process, without any clean-up, where it was told to."""

    def __init__(self, point: str, nth: int, say: Callable[..., None]) -> None:
        self._point = point
        self._left = nth
        self._say = say

    def at(self, point: str) -> None:
        """The process is at this point."""
        self._say(at=point)
        if point == self._point:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
                # A signal to oneself arrives before this returns, unless it is on another thread's way.
                os._exit(137)


def plant(trap: Trap) -> None:
    """Put the trap around everything."""
    _plant_commits(trap)
    _plant_start_and_end(trap)
    _plant_files(trap)
    _plant_transport(trap)
    _plant_download(trap)
    _plant_work(trap)


# ----------------------------------------------------------------------------------------------------------- the journal


def _plant_commits(trap: Trap) -> None:
    moving: list[str] = []

    def named(owner: type, method: str, name_of: Callable[..., str]) -> None:
        original = getattr(owner, method)

        @functools.wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            moving.append(name_of(*args, **kwargs))
            try:
                return original(*args, **kwargs)
            finally:
                moving.pop()

        setattr(owner, method, wrapped)

    named(JobStore, "create", lambda *_: "create")
    named(JobStore, "move", lambda _self, _job, event, *_args, **_kwargs: str(event))
    named(JobStore, "amend", lambda *_args, **_kwargs: "amend")
    named(JobStore, "intend", lambda *_: "intent")
    named(JobStore, "settle", lambda _self, _job, _id, _state, event, *_args, **_kwargs: str(event))
    named(JobStore, "approve", lambda *_: "user_resubmit")
    named(JobStore, "attach", lambda *_: "attach")
    named(JobStore, "add", lambda *_: "add")
    named(JobStore, "correct", lambda *_args, **_kwargs: "found")
    named(Ledger, "record", lambda *_: "charge")
    original = Database.write

    def write(self: Database, work: Callable[[Any], Any]) -> Any:
        if not moving:
            return original(self, work)
        name = moving[-1]
        trap.at(f"before commit {name}")

        def inside(sql: Any) -> Any:
            result = work(sql)
            trap.at(f"in commit {name}")
            return result

        result = original(self, inside)
        trap.at(f"after commit {name}")
        return result

    _put(Database, "write", write)


def _plant_start_and_end(trap: Trap) -> None:
    _around(trap, database, "migrate" if hasattr(database, "migrate") else "_migrate", "migrate")
    _around(trap, JobStore, "recover", "recover")
    _around(trap, studio, "_sweep", "sweep")
    _around(trap, queue.JobQueue, "open", "open")
    _around(trap, queue.JobQueue, "aclose", "close")


# ---------------------------------------------------------------------------------------------------------------- files


def _plant_files(trap: Trap) -> None:
    for call in ("link", "unlink"):
        original = getattr(os, call)
        setattr(os, call, _about_a_file(trap, call, original))
    fsync = os.fsync

    def synced(handle: int) -> None:
        what = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "part"
        trap.at(f"before fsync {what}")
        fsync(handle)
        trap.at(f"after fsync {what}")

    _put(os, "fsync", synced)
    _around(trap, finish.Finish, "plan_name", "name")
    _around(trap, Fits, "_write", "write fit")


def _about_a_file(trap: Trap, call: str, original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        what = _kind_of(os.fspath(args[-1])) if not kwargs else ""
        if what:
            trap.at(f"before {call} {what}")
        original(*args, **kwargs)
        if what:
            trap.at(f"after {call} {what}")

    return wrapped


def _kind_of(path: str) -> str:
    folder, name = os.path.split(path)
    if name.endswith(".part.json"):
        return "mark"
    if name.endswith(".part"):
        return "part"
    if name.endswith(".mp4"):
        return {"work": "clip", "takes": "take"}.get(os.path.split(folder)[1], "")
    return ""


# ------------------------------------------------------------------------------------------------------- the other side


def _plant_transport(trap: Trap) -> None:
    heard = SendingWatch.__call__

    async def hears(self: SendingWatch, name: str, info: Any) -> None:
        await heard(self, name, info)
        if point := _STEPS.get(name):
            trap.at(point)

    _put(SendingWatch, "__call__", hears)
    _around(trap, Api, "order", "order")
    stream = Api.stream

    async def streamed(self: Api, *args: Any, chunks: Callable[[], AsyncIterator[bytes]], **kwargs: Any) -> Any:
        async def trapped() -> AsyncIterator[bytes]:
            async for chunk in chunks():
                yield chunk
                trap.at("upload block")

        return await stream(self, *args, chunks=trapped, **kwargs)

    _put(Api, "stream", streamed)
    _around(trap, prepare, "_upload_files", "upload files")
    connect = Accounts._connect
    known: set[type] = set()

    async def connected(self: Accounts, *args: Any) -> Any:
        api, adapter = await connect(self, *args)
        if type(adapter) not in known:
            known.add(type(adapter))
            for call in _CALLS:
                _around(trap, type(adapter), call, f"call {call}")
        return api, adapter

    _put(Accounts, "_connect", connected)


def _plant_download(trap: Trap) -> None:
    begin, write = download.Download._begin, download._write

    def begun(self: download.Download, *args: Any) -> Any:
        handle = begin(self, *args)
        trap.at("download begun")
        return handle

    def written(*args: Any) -> None:
        write(*args)
        trap.at("download block")

    _put(download.Download, "_begin", begun)
    _put(download, "_write", written)


def _plant_work(trap: Trap) -> None:
    run = MediaWorker._run

    async def worked(self: MediaWorker, do: str, *args: Any, **kwargs: Any) -> Any:
        trap.at(f"before worker {do}")
        result = await run(self, do, *args, **kwargs)
        trap.at(f"after worker {do}")
        return result

    _put(MediaWorker, "_run", worked)


def _put(owner: Any, name: str, function: Callable[..., Any]) -> None:
    setattr(owner, name, function)


def _around(trap: Trap, owner: Any, function: str, name: str) -> None:
    """Before and after a function or method, whether it is waited for or not."""
    original = getattr(owner, function)
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            trap.at(f"before {name}")
            result = await original(*args, **kwargs)
            trap.at(f"after {name}")
            return result

        setattr(owner, function, awaited)
        return

    @functools.wraps(original)
    def called(*args: Any, **kwargs: Any) -> Any:
        trap.at(f"before {name}")
        result = original(*args, **kwargs)
        trap.at(f"after {name}")
        return result

    setattr(owner, function, called)
