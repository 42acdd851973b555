"""Puts the dialects on their ports and keeps them there until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from klingstudio.sandbox import fal, front, oxen, pixeldojo, segmind
from klingstudio.sandbox.faults import FaultPlan, FaultPlanWrong, parse_plan, read_plan
from klingstudio.sandbox.jobs import Job, Jobs
from klingstudio.sandbox.ledger import Ledger
from klingstudio.sandbox.links import Links
from klingstudio.sandbox.state import State

WRONG_ARGUMENTS = 2
_GRACE_S = 1


class CannotStart(Exception):
    """The sandbox cannot be started as it was asked to. The text says why, in one line."""


def serve(argv: Sequence[str]) -> int:
    """Run the sandbox until a signal, or the end of standard input, ends it. Returns the exit code."""
    try:
        options = _read_options(argv)
        rules = read_plan(options.faults) if options.faults else ()
        return asyncio.run(_run(options, FaultPlan(rules)))
    except (CannotStart, FaultPlanWrong) as error:
        print(f"klingstudio sandbox: {error}", file=sys.stderr)
        return WRONG_ARGUMENTS


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CannotStart(message)


def _read_options(argv: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="klingstudio sandbox", description="Run local stand-ins for the services.")
    parser.add_argument(
        "--port",
        type=_port,
        default=0,
        metavar="N",
        help="port of the first service, the others take the next ones; 0 takes free ones",
    )
    parser.add_argument("--faults", type=Path, metavar="FILE", help="what goes wrong, as a JSON list of rules")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep jobs, files and charges here")
    parser.add_argument(
        "--link-lifetime", type=_seconds, default=600.0, metavar="S", help="how long a result link works"
    )
    parser.add_argument("--queue-delay", type=_seconds, default=0.4, metavar="S", help="how long a job stays queued")
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="PEM file with a certificate and its key: the fal.ai address is https then, as fal.ai's own clients want it",
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends")
    return parser.parse_args(argv)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65536 - len(DIALECTS):
        raise argparse.ArgumentTypeError(f"{port} is not a port number with room for {len(DIALECTS)}")
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds")
    return seconds


async def _run(options: argparse.Namespace, plan: FaultPlan) -> int:
    try:
        state = State(options.state)
    except (OSError, ValueError) as error:
        raise CannotStart(f"{options.state} cannot be used: {error}") from error
    try:
        await _serve(options, plan, state)
    finally:
        state.close()
    return 0


async def _serve(options: argparse.Namespace, plan: FaultPlan, state: State) -> None:
    tls = {} if options.certificate is None else {fal.NAME: _tls(options.certificate)}
    links = Links(state.secret, options.link_lifetime)
    log = front.RequestLog()
    closing = asyncio.Event()
    try:
        ledger = Ledger(state.ledger)
        jobs = Jobs(state, ledger, queue_s=options.queue_delay)
        dialects = {name: create(state, jobs, links) for name, create in DIALECTS.items()}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CannotStart(f"{state.root} cannot be used: {error!r}") from error
    inspection = _inspection(ledger, jobs, log, plan)
    with contextlib.ExitStack() as stack:
        listeners = {
            name: stack.enter_context(_listening(options.port + n if options.port else 0, state.ports.get(name, 0)))
            for n, name in enumerate(dialects)
        }
        ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
        state.remember_ports(ports)
        schemes = {name: "https" if name in tls else "http" for name in ports}
        greeting = _Greeting({name: f"{schemes[name]}://127.0.0.1:{port}" for name, port in ports.items()})
        servers = {
            name: _Server(
                front.Front(name, dialect.app(inspection), dialect.call_of, log=log, plan=plan, closing=closing),
                greeting.one_is_ready,
                tls.get(name),
            )
            for name, dialect in dialects.items()
        }
        _end_on_signal(closing)
        if options.until_stdin_closes:
            _end_on_eof(closing)
        await asyncio.gather(
            *(server.serve([listeners[name]]) for name, server in servers.items()),
            jobs.run(),
            _end(closing, servers.values(), jobs),
        )


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate)
    except OSError as error:
        raise CannotStart(f"{certificate} cannot be used as a certificate: {error}") from error
    return context


async def _end(closing: asyncio.Event, servers: Iterable[_Server], jobs: Jobs) -> None:
    await closing.wait()
    jobs.close()
    for server in servers:
        server.should_exit = True


class Dialect(Protocol):
    """One service's way of speaking, on the one job core."""

    def app(self, extra: Iterable[Route]) -> ASGIApp:
        """Every address of the service, and some more."""

    @staticmethod
    def call_of(method: str, path: str) -> str:
        """What a request is for, one of `faults.CALLS`, or "" for anything else."""


DIALECTS: dict[str, Callable[[State, Jobs, Links], Dialect]] = {
    oxen.NAME: oxen.Oxen,
    fal.NAME: fal.Fal,
    segmind.NAME: segmind.Segmind,
    pixeldojo.NAME: pixeldojo.PixelDojo,
}
"""By name, in the order of their ports."""


class _Greeting:
    """The first line: where every dialect is, said once all can be reached."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._missing = len(addresses)

    def one_is_ready(self) -> None:
        self._missing -= 1
        if not self._missing:
            print(json.dumps(self._addresses), flush=True)


class _Server(uvicorn.Server):
    """Says where it is once it can be reached, and leaves signals to us: uvicorn would end by dying of them."""

    def __init__(self, app: front.Front, on_ready: Callable[[], None], tls: ssl.SSLContext | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=front.Protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                access_log=False,
                log_config=None,
                log_level="critical",
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                ssl_context_factory=None if tls is None else lambda _config, _default: tls,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # Held up on purpose, or waiting for something that will not come.
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _listening(port: int, last_port: int) -> Iterator[socket.socket]:
    """A socket on this computer only. Where any port will do, the one of the last run is tried first."""
    for candidate in [port] if port else [last_port, 0]:
        # With the protocol named, asyncio sends small answers at once; without it each waits 40 ms for an acknowledgement.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        # Elsewhere this only means "in spite of connections that have just ended"; on Windows it would share the port.
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", candidate))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if port:
                raise CannotStart(f"port {port} cannot be used: {error.strerror}") from error
        else:
            with listener:
                yield listener
            return
    raise CannotStart("no free port")


def _end_on_signal(closing: asyncio.Event) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()

    def end(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(closing.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _end_on_eof(closing: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def wait() -> None:
        try:
            # Past the buffer of sys.stdin, whose lock the interpreter would want at its end.
            while os.read(sys.stdin.fileno(), 4096):
                pass
        except (OSError, ValueError):
            pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(closing.set)

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def _inspection(ledger: Ledger, jobs: Jobs, log: front.RequestLog, plan: FaultPlan) -> list[Route]:
    """What tests look at; no service has these."""

    async def show_ledger(_request: Request) -> Response:
        return JSONResponse(ledger.report())

    async def show_requests(request: Request) -> Response:
        entries = log.entries()
        if request.method == "DELETE":
            log.clear()
        return JSONResponse({"requests": entries})

    async def show_jobs(_request: Request) -> Response:
        return JSONResponse({"jobs": [_job_view(job, jobs) for job in jobs.all()], "working": jobs.working()})

    async def replace_faults(request: Request) -> Response:
        try:
            plan.replace(parse_plan(await request.body()))
        except FaultPlanWrong as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"rules": len(plan.rules)})

    async def elsewhere(_request: Request) -> Response:
        return PlainTextResponse("This is another host.")

    return [
        Route("/_sandbox/ledger", show_ledger),
        Route("/_sandbox/requests", show_requests, methods=["GET", "DELETE"]),
        Route("/_sandbox/jobs", show_jobs),
        Route("/_sandbox/faults", replace_faults, methods=["POST"]),
        Route(front.ELSEWHERE, elsewhere, methods=["GET", "POST", "PUT", "DELETE"]),
    ]


def _job_view(job: Job, jobs: Jobs) -> dict[str, object]:
    cost = jobs.cost(job)
    return {
        "generation_id": job.id,
        "status": job.status,
        "dialect": job.order.dialect,
        "account": job.order.account,
        "model": job.order.model,
        "prompt": job.order.prompt,
        "input_video": job.order.input_video,
        "keep_audio": job.order.keep_audio,
        "error": job.error,
        "cost": None if cost is None else str(cost),
    }
