"""The commands: the studio without a window. One line for a person, JSON lines for a program, exit codes for both.

The commands, variables and codes are a promise to other programs; README.md documents them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from klingstudio import __version__, logs
from klingstudio.cli import WRONG_INPUT, has_display, window
from klingstudio.cli.report import Report, exit_code
from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import InputRefused, KeyProblem, Kind, StudioError
from klingstudio.domain.job import ATTENTION, UNSENT, Asset, Job, State
from klingstudio.domain.media import Trim
from klingstudio.domain.request import Request, Tier
from klingstudio.paths import Paths, paths
from klingstudio.ui import text
from klingstudio.vault import Where

if TYPE_CHECKING:
    from klingstudio.engine.queue import JobQueue

DEMO_PROMPT = "Turn the day into deep snow, keep the walker as she is"

OK, INTERRUPTED = 0, 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as every other error."""
        self.exit(WRONG_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    args = _parser().parse_args(arguments)
    if args.command is None:
        return window([])
    if args.command == "demo" and not args.headless:
        if has_display(os.environ):
            return window([], demo=True)
        print("There is no display here, so the demo runs without its window.", file=sys.stderr)
    if args.command == "sandbox":
        return _sandbox(args)
    where = paths(os.environ)
    end_log = logs.start(where.logs)
    try:
        return _run(_COMMANDS[args.command](args, where))
    except StudioError as error:
        print(f"klingstudio: {text.one_line(error.problem)}", file=sys.stderr)
        return exit_code(error.problem)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our lines went away; the journal has everything.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    finally:
        end_log()


def _run(work: Awaitable[int]) -> int:
    async def until_told_to_stop() -> int:
        main_task = asyncio.current_task()
        if main_task is not None and sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main_task.cancel)
        return await work

    try:
        return asyncio.run(until_told_to_stop())
    except asyncio.CancelledError:
        return INTERRUPTED


def _sandbox(args: argparse.Namespace) -> int:
    from klingstudio.sandbox.server import serve

    options = [f"--port={args.port}"] if args.port is not None else []
    options += [f"--faults={args.faults}"] if args.faults is not None else []
    return serve(options)


# -------------------------------------------------------------------------------------------------------------- edit


async def _demo(args: argparse.Namespace, where: Paths) -> int:
    from klingstudio.studio import Studio

    studio = await Studio.open(where, os.environ)
    try:
        sample = await studio.sample()
        sandbox = studio.providers[-1]
        request = Request(source=str(sample), prompt=DEMO_PROMPT, provider=sandbox.id, out=_folder(args.out))
        return await _carry_out(studio.queue, [request], Report(as_json=args.json))
    finally:
        await studio.aclose()


async def _edit(args: argparse.Namespace, where: Paths) -> int:
    report = Report(as_json=args.json)
    try:
        return await _edit_or_plan(args, where, report)
    except StudioError as error:
        report.refused(error.problem)
        return exit_code(error.problem)


async def _edit_or_plan(args: argparse.Namespace, where: Paths, report: Report) -> int:
    from klingstudio.engine.preflight import preflight
    from klingstudio.studio import Studio, open_accounts

    if args.dry_run:
        from klingstudio.media.worker import MediaWorker

        async with open_accounts(where, os.environ) as accounts:
            request = _request(args, args.provider or accounts.default_provider())
            request = replace(request, accepts_unknown_price=True, max_cost=None)
            checked = await preflight(request, media=MediaWorker(), accounts=accounts)
            body = accounts.planned_body(request, _planned_assets(request), checked.plan.duration_s)
            report.plan(request, checked.plan, checked.estimate, body)
            return OK

    studio = await Studio.open(where, os.environ)
    try:
        accounts, choices = studio.accounts, studio.settings.choices
        request = _request(args, args.provider or choices.provider or accounts.default_provider())
        request = replace(request, billed_to=choices.billed_to or None)
        if request.max_cost is not None:
            # The cap is for all takes together; each is its own job.
            request = replace(request, max_cost=request.max_cost / args.takes)
        info = accounts.info(request.provider)
        checked = await preflight(request, media=studio.media, accounts=accounts)
        if (await accounts.key(request.provider)).value is None:
            raise KeyProblem(Kind.KEY_MISSING, info.title, subject="key")
        if accounts.asks_consent(request.provider) and request.provider not in choices.upload_consent:
            _ask_consent(info.upload_note, agreed=args.yes)
            studio.settings.update(upload_consent=choices.upload_consent | {request.provider})
        report.estimate(checked.estimate, args.takes)
        return await _carry_out(studio.queue, [request] * args.takes, report)
    finally:
        await studio.aclose()


async def _carry_out(queue: JobQueue, requests: Sequence[Request], report: Report) -> int:
    with report.watching(queue):
        jobs = [job for request in requests for job in queue.enqueue(request)]
        return await report.until_rest(queue, [job.id for job in jobs])


def _request(args: argparse.Namespace, provider: str) -> Request:
    return Request(
        source=str(Path(args.source).absolute()),
        prompt=args.prompt,
        provider=provider,
        tier=Tier(args.tier),
        images=tuple(Image(place=_place(place)) for place in args.image),
        elements=tuple(_element(places) for places in args.element),
        keep_audio=args.keep_audio,
        trim=args.trim,
        inputs_via=args.inputs_via,
        max_cost=args.max_cost,
        accepts_unknown_price=args.yes,
        out=_folder(args.out),
    )


def _place(place: str) -> str:
    if place.lower().startswith("https://"):
        return place
    if "://" in place:
        raise InputRefused(Kind.SETTING_INVALID, f"{place}: only https addresses")
    return str(Path(place).absolute())


def _element(places: str) -> Element:
    frontal, *angles = [_place(place) for place in places.split(",") if place]
    return Element(frontal=frontal, angles=tuple(angles))


def _folder(out: str | None) -> str | None:
    return str(Path(out).expanduser().absolute()) if out else None


def _planned_assets(request: Request) -> tuple[Asset, ...]:
    places = (("source", request.source), *request.pictures())
    return tuple(
        Asset(subject=subject, url=place if "://" in place else Path(place).as_uri(), place=place)
        for subject, place in places
    )


def _ask_consent(note: str, *, agreed: bool) -> None:
    if agreed:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputRefused(Kind.CONSENT_MISSING, note)
    print(f"{note}\nUpload publicly? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InputRefused(Kind.CONSENT_MISSING, note)


# ----------------------------------------------------------------------------------------------------- jobs afterwards


async def _jobs(args: argparse.Namespace, where: Paths) -> int:
    from klingstudio.studio import read_jobs

    Report(as_json=args.json).listing(read_jobs(where))
    return OK


async def _resume(args: argparse.Namespace, where: Paths) -> int:
    from klingstudio.studio import Studio

    studio = await Studio.open(where, os.environ)
    report = Report(as_json=args.json)
    try:
        with report.watching(studio.queue):
            wanted = [job for job in studio.queue.jobs() if _is_unfinished(job)]
            for job in wanted:
                studio.queue.carry_on(job.id)
            if not wanted:
                report.say("Nothing to resume: every job has come to its end.")
                return OK
            return await report.until_rest(studio.queue, [job.id for job in reversed(wanted)])
    finally:
        await studio.aclose()


def _is_unfinished(job: Job) -> bool:
    if job.state is State.DRAFT:
        return job.problem is not None and job.problem.kind is Kind.INTERRUPTED
    return job.state in UNSENT or job.state in ATTENTION or job.is_active or job.paused


async def _cancel(args: argparse.Namespace, where: Paths) -> int:
    from klingstudio.studio import Studio

    studio = await Studio.open(where, os.environ)
    report = Report(as_json=False)
    try:
        job = studio.queue.job(args.job)
        with report.watching(studio.queue):
            studio.queue.cancel(job.id)
            report.say(await report.after_cancel(studio.queue, job.id, studio.accounts.info(job.request.provider)))
        return OK
    finally:
        await studio.aclose()


async def _resolve(args: argparse.Namespace, where: Paths) -> int:
    from klingstudio.studio import Studio

    if (args.answer == "found") != (args.remote_id is not None):
        raise InputRefused(Kind.SETTING_INVALID, "`found` needs the provider's id, the other answers take none")
    studio = await Studio.open(where, os.environ)
    report = Report(as_json=False)
    try:
        queue = studio.queue
        job = queue.job(args.job)
        with report.watching(queue):
            match args.answer:
                case "again":
                    queue.send_again(job.id)
                case "drop":
                    queue.drop(job.id)
                    report.say("Dropped. Should the provider list it later, it may still have been charged.")
                    return OK
                case _:
                    queue.found(job.id, args.remote_id)
            return await report.until_rest(queue, [job.id])
    finally:
        await studio.aclose()


# --------------------------------------------------------------------------------------------------------------- keys


async def _keys(args: argparse.Namespace, where: Paths) -> int:
    from klingstudio.studio import open_accounts

    async with open_accounts(where, os.environ) as accounts:
        match args.action:
            case "list":
                for info in accounts.services():
                    secret = await accounts.key(info.id)
                    print(f"{info.id}\t{secret.where}\t{secret.note}".rstrip())
            case "set":
                accounts.info(args.provider)
                asked = sys.stdin.isatty()
                value = getpass.getpass("Key: ") if asked else sys.stdin.readline()
                secret = await accounts.set_key(args.provider, value)
                if secret.where is not Where.KEYCHAIN:
                    await accounts.remove_key(args.provider)
                    raise KeyProblem(Kind.KEY_UNUSABLE, secret.note, subject="key")
                print("The key is in the keychain.")
            case "test":
                account = await accounts.test(args.provider)
                print(f"The key works; it belongs to {account.name}.")
            case _:
                await accounts.remove_key(args.provider)
                print("The key was removed.")
    return OK


# ------------------------------------------------------------------------------------------------------------- parsing


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="klingstudio", description="Edit video with Kling. Without a command the studio's window opens."
    )
    parser.add_argument("--version", action="version", version=f"klingstudio {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    demo = commands.add_parser("demo", help="the whole loop on the built-in sandbox: no key, no network")
    demo.add_argument("--headless", action="store_true", help="without the window")
    demo.add_argument("--out", metavar="DIR", help="where the take goes")
    demo.add_argument("--json", action="store_true", help="one JSON object a line")

    edit = commands.add_parser("edit", help="edit one clip and wait for the take")
    edit.add_argument("source", metavar="SOURCE")
    edit.add_argument("--prompt", required=True, metavar="TEXT", help="what should change; @Image1, @Element1 point")
    edit.add_argument("--provider", metavar="NAME", help="which service does the work")
    edit.add_argument("--tier", choices=[tier.value for tier in Tier], default=Tier.PRO.value)
    edit.add_argument("--image", action="append", default=[], metavar="PATH_OR_URL")
    edit.add_argument("--element", action="append", default=[], metavar="FRONT[,ANGLE]...")
    sound = edit.add_mutually_exclusive_group()
    sound.add_argument("--keep-audio", dest="keep_audio", action="store_true", default=True)
    sound.add_argument("--drop-audio", dest="keep_audio", action="store_false")
    edit.add_argument("--trim", type=_trim, metavar="START-END", help="seconds of the source, for example 2-8.5")
    edit.add_argument("--takes", type=int, choices=range(1, 5), default=1, metavar="1-4")
    edit.add_argument("--inputs-via", metavar="NAME", help="which service hosts local files")
    edit.add_argument("--max-cost", type=_amount, metavar="AMOUNT", help="refuse to spend more, all takes together")
    edit.add_argument("--yes", action="store_true", help="agree to an unknown price and to a public upload")
    edit.add_argument("--dry-run", action="store_true", help="show the plan and the request, send nothing")
    edit.add_argument("--out", metavar="PATH", help="file name or folder of the take")
    edit.add_argument("--json", action="store_true", help="one JSON object a line")

    jobs = commands.add_parser("jobs", help="every job and where it stands")
    jobs.add_argument("--json", action="store_true", help="one JSON object a line")
    cancel = commands.add_parser("cancel", help="stop a job, at the provider too where it can")
    cancel.add_argument("job", metavar="JOB")
    resume = commands.add_parser("resume", help="carry every unfinished job to its end; never sends one again")
    resume.add_argument("--json", action="store_true", help="one JSON object a line")
    resolve = commands.add_parser("resolve", help="answer a job whose outcome is not known")
    resolve.add_argument("job", metavar="JOB")
    resolve.add_argument("answer", choices=["again", "drop", "found"])
    resolve.add_argument("remote_id", nargs="?", metavar="REMOTE_ID")

    keys = commands.add_parser("keys", help="list, set, test or remove keys; `set` reads it from standard input")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list")
    for action in ("set", "test", "remove"):
        actions.add_parser(action).add_argument("provider", metavar="PROVIDER")

    sandbox = commands.add_parser("sandbox", help="run the local stand-ins; their addresses are the first line")
    sandbox.add_argument("--port", type=int, metavar="N")
    sandbox.add_argument("--faults", metavar="FILE")
    return parser


def _trim(value: str) -> Trim:
    start, dash, end = value.partition("-")
    try:
        trim = Trim(start_s=float(start or 0), end_s=float(end))
    except ValueError:
        trim = None
    if not dash or trim is None or not 0 <= trim.start_s < trim.end_s < float("inf"):
        raise argparse.ArgumentTypeError(f"{value!r} is not START-END in seconds")
    return trim


def _amount(value: str) -> Decimal:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{value!r} is not an amount")
    return amount


_COMMANDS: dict[str, Callable[[argparse.Namespace, Paths], Awaitable[int]]] = {
    "demo": _demo,
    "edit": _edit,
    "jobs": _jobs,
    "cancel": _cancel,
    "resume": _resume,
    "resolve": _resolve,
    "keys": _keys,
}
