"""The commands: the studio without a window. One line for a person, JSON lines for a program, exit codes for both.

The commands, variables and codes are a promise to other programs; README.md documents them.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from klingstudio import logs, privacy
from klingstudio.cli import INTERRUPTED, console, has_display, window
from klingstudio.cli.parser import parser
from klingstudio.cli.report import Report, exit_code
from klingstudio.cli.restore import restore
from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import InputRefused, KeyProblem, Kind, StudioError
from klingstudio.domain.job import ATTENTION, UNSENT, Job, State
from klingstudio.domain.media import Framing
from klingstudio.domain.prompt import spelled
from klingstudio.domain.request import Request, Tier
from klingstudio.paths import Paths, paths
from klingstudio.ui import text
from klingstudio.vault import Where

if TYPE_CHECKING:
    from klingstudio.domain.price import Money
    from klingstudio.engine.accounts import Accounts
    from klingstudio.engine.queue import JobQueue
    from klingstudio.providers.base import ProviderInfo
    from klingstudio.store.settings import Choices


OK, BUG = 0, 1
ALL = "all"
"""In place of a provider: compare every service."""

log = logging.getLogger(__name__)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    console.make_usable()
    args = parser().parse_args(arguments)
    if args.command is None:
        return window([])
    if args.command == "demo" and not args.headless:
        if has_display(os.environ):
            return window([], demo=True)
        print("There is no display here, so the demo runs without its window.", file=sys.stderr)
    if args.command == "sandbox":
        return _sandbox(args)
    privacy.hide_memory()
    where = paths(os.environ)
    end_log = logs.start(where.logs)
    # The lines of `jobs` are jobs and nothing else.
    report = Report(as_json=getattr(args, "json", False) and args.command != "jobs")
    try:
        with console.sigterm_as_ctrl_c():
            code = _run(_COMMANDS[args.command](args, where, report))
        sys.stdout.flush()
    except OSError as error:
        console.give_up(error)
        return INTERRUPTED
    except (StudioError, KeyboardInterrupt, asyncio.CancelledError) as error:
        return _told(report, error)
    except Exception as error:
        log.exception("a command ended with a bug")
        print(f"klingstudio: a fault of the program ({type(error).__name__}); its log says more", file=sys.stderr)
        return BUG
    else:
        return code
    finally:
        end_log()


def _told(report: Report, error: BaseException) -> int:
    try:
        if not isinstance(error, StudioError):
            report.interrupted()
            return INTERRUPTED
        report.refused(error.problem)
        return exit_code(error.problem)
    except OSError as broken:
        console.give_up(broken)
        return INTERRUPTED


def _run(work: Awaitable[int]) -> int:
    async def until_told_to_stop() -> int:
        main_task = asyncio.current_task()
        if main_task is not None and sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main_task.cancel)
        return await work

    return asyncio.run(until_told_to_stop())


def _sandbox(args: argparse.Namespace) -> int:
    from klingstudio.sandbox.server import serve

    options = [f"--port={args.port}"] if args.port is not None else []
    options += [f"--faults={args.faults}"] if args.faults is not None else []
    options += [f"--certificate={args.certificate}"] if args.certificate is not None else []
    return serve(options)


# -------------------------------------------------------------------------------------------------------------- edit


async def _demo(args: argparse.Namespace, where: Paths, report: Report) -> int:
    from klingstudio.studio import Studio

    studio = await Studio.open(where, os.environ)
    try:
        sample = await studio.sample()
        sandbox = studio.providers[-1]
        request = Request(source=str(sample), prompt=text.SAMPLE_PROMPT, provider=sandbox.id, out=_folder(args.out))
        return await _carry_out(studio.queue, request, 1, report)
    finally:
        await studio.aclose()


async def _plan(args: argparse.Namespace, where: Paths, report: Report) -> int:
    from klingstudio.engine.compare import compare
    from klingstudio.media.worker import MediaWorker
    from klingstudio.studio import open_accounts, read_balances, read_choices, read_wait

    choices = read_choices(where)
    async with open_accounts(where, os.environ) as accounts:
        one = None if args.provider == ALL else args.provider or choices.provider or accounts.default_provider()
        infos = accounts.services() if one is None else (accounts.info(one),)
        if one is not None:
            _check_address(infos[0])
            _check_inputs_via(args.inputs_via, infos[0])
        request = await _request(args, infos[0], choices, accounts, where, report)
        request = replace(request, accepts_unknown_price=True, max_cost=None)
        offers = await compare(
            request,
            infos,
            takes=args.takes,
            media=MediaWorker(),
            accounts=accounts,
            waits=partial(read_wait, where),
        )
    problems = [offer.problem for offer in offers if offer.problem is not None]
    if one is None:
        report.comparison(offers, read_balances(where))
    elif not problems:
        report.plan(offers[0], read_balances(where))
    else:
        report.refused(problems[0])
    return exit_code(problems[0]) if len(problems) == len(offers) else OK


async def _edit(args: argparse.Namespace, where: Paths, report: Report) -> int:
    if args.dry_run:
        return await _plan(args, where, report)
    if args.provider == ALL:
        words = f"`--provider {ALL}` compares and sends nothing: add --dry-run, or name one provider"
        raise InputRefused(Kind.SETTING_INVALID, words)

    from klingstudio.engine.preflight import preflight
    from klingstudio.studio import Studio

    studio = await Studio.open(where, os.environ)
    try:
        accounts, choices = studio.accounts, studio.settings.choices
        info = accounts.info(args.provider or choices.provider or accounts.default_provider())
        _check_address(info)
        _check_inputs_via(args.inputs_via, info)
        if _is_address(args.source):
            # Before a large file is fetched.
            await _check_key(accounts, info)
        request = await _request(args, info, choices, accounts, where, report)
        if request.max_cost is not None:
            # The person's cap is for all takes together, the request's is for one.
            request = replace(request, max_cost=request.max_cost / args.takes)
        checked = await preflight(request, media=studio.media, accounts=accounts)
        host = checked.host or info
        _check_address(host)
        await _check_key(accounts, info)
        await _check_key(accounts, host)
        if host is not info:
            request = replace(request, inputs_via=host.id)
            report.hosting(host)
        if checked.host and accounts.asks_consent(host.id) and host.id not in choices.upload_consent:
            _ask_consent(host.upload_note, agreed=args.yes)
            studio.settings.update(upload_consent=choices.upload_consent | {host.id})
        report.estimate(checked, args.takes)
        return await _carry_out(studio.queue, request, args.takes, report, estimate=checked.estimate)
    finally:
        await studio.aclose()


def _check_inputs_via(host_id: str | None, info: ProviderInfo) -> None:
    """Files never go elsewhere than was asked for."""
    if info.hosts_files and host_id not in (None, info.id):
        raise InputRefused(Kind.NOT_SUPPORTED, f"{info.title} hosts the files itself: leave out --inputs-via")


async def _check_key(accounts: Accounts, info: ProviderInfo) -> None:
    if (await accounts.key(info.id)).value is None:
        raise KeyProblem(Kind.KEY_MISSING, info.title, subject="key")


def _check_address(info: ProviderInfo) -> None:
    """Refuse an address from the environment that cannot be used before there is a job."""
    from klingstudio.net.api import check_base

    if info.key_variable is not None and (address := os.environ.get(info.url_variable)):
        check_base(address, info.url_variable)


async def _carry_out(
    queue: JobQueue, request: Request, takes: int, report: Report, *, estimate: Money | None = None
) -> int:
    with report.watching(queue):
        jobs = queue.enqueue(request, takes=takes, estimate=estimate)
        return await report.until_rest(queue, [job.id for job in jobs])


async def _request(
    args: argparse.Namespace, info: ProviderInfo, choices: Choices, accounts: Accounts, where: Paths, report: Report
) -> Request:
    source_url = args.source if _is_address(args.source) else None
    source = await _fetched(source_url, info, accounts, where, report) if source_url else _absolute(args.source)
    return Request(
        source=source,
        source_url=source_url,
        prompt=spelled(args.prompt),
        provider=info.id,
        tier=Tier(args.tier),
        images=tuple(Image(place=_place(place)) for place in args.image),
        elements=tuple(_element(places) for places in args.element),
        keep_audio=args.keep_audio,
        trim=args.trim,
        framing=Framing(args.framing),
        inputs_via=args.inputs_via or (None if info.hosts_files else choices.inputs_via or None),
        billed_to=choices.billed_to or None,
        max_cost=args.max_cost,
        accepts_unknown_price=args.yes,
        out=_folder(args.out),
    )


def _is_address(source: str) -> bool:
    return "://" in source and not Path(source).exists()


def _absolute(place: str) -> str:
    return str(Path(place).absolute())


async def _fetched(url: str, info: ProviderInfo, accounts: Accounts, where: Paths, report: Report) -> str:
    from klingstudio.engine.sources import fetch_source

    path = await fetch_source(
        url,
        where.sources,
        allow_loopback=accounts.is_on_this_computer(info.id),
        repeat=accounts.repeat,
        on_fraction=report.fetching,
    )
    return str(path)


def _place(place: str) -> str:
    if place.lower().startswith("https://"):
        return place
    if "://" in place:
        raise InputRefused(Kind.SETTING_INVALID, f"{place}: only https addresses")
    return _absolute(place)


def _element(places: str) -> Element:
    frontal, *angles = [_place(place) for place in places.split(",") if place] or [""]
    if not frontal:
        raise InputRefused(Kind.SETTING_INVALID, "--element needs a frontal picture")
    return Element(frontal=frontal, angles=tuple(angles))


def _folder(out: str | None) -> str | None:
    return str(Path(out).expanduser().absolute()) if out else None


def _ask_consent(note: str, *, agreed: bool) -> None:
    if agreed:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputRefused(Kind.CONSENT_MISSING, note)
    with console.interruptible():
        print(f"{note}\nUpload publicly? [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise InputRefused(Kind.CONSENT_MISSING, note)


# ----------------------------------------------------------------------------------------------------- jobs afterwards


async def _jobs(args: argparse.Namespace, where: Paths, _report: Report) -> int:
    from klingstudio.studio import read_balances, read_jobs

    Report(as_json=args.json).listing(read_jobs(where), read_balances(where))
    return OK


async def _resume(_args: argparse.Namespace, where: Paths, report: Report) -> int:
    from klingstudio.studio import Studio

    studio = await Studio.open(where, os.environ)
    try:
        if studio.recovery.is_wanted():
            await studio.recovery.look()
            for found in studio.recovery.found.values():
                report.found(found)
        wanted = [job.id for job in reversed(studio.queue.jobs()) if _is_unfinished(job)]
        if not wanted:
            report.say("Nothing to resume: every job has come to its end.")
            return OK
        with report.watching(studio.queue, *wanted):
            for job_id in wanted:
                studio.queue.carry_on(job_id)
            return await report.until_rest(studio.queue, wanted)
    finally:
        await studio.aclose()


def _is_unfinished(job: Job) -> bool:
    if job.problem is not None and job.problem.kind is Kind.JOB_UNREADABLE:
        return False
    if job.state is State.DRAFT:
        return job.problem is not None and job.problem.kind in {Kind.INTERRUPTED, Kind.OVER_BUDGET}
    return job.state in UNSENT or job.state in ATTENTION or job.is_active or job.paused


async def _cancel(args: argparse.Namespace, where: Paths, report: Report) -> int:
    from klingstudio.studio import Studio

    studio = await Studio.open(where, os.environ)
    try:
        job = studio.queue.job(args.job)
        with report.watching(studio.queue, job.id):
            studio.queue.cancel(job.id)
            return await report.after_cancel(studio.queue, job.id, studio.accounts.info(job.request.provider))
    finally:
        await studio.aclose()


async def _delete_copies(args: argparse.Namespace, where: Paths, report: Report) -> int:
    from klingstudio.studio import Studio

    studio = await Studio.open(where, os.environ)
    try:
        job = studio.queue.job(args.job)
        count = await studio.queue.delete_copies(job.id)
        report.say("1 uploaded file was removed." if count == 1 else f"{count} uploaded files were removed.")
        hosts = {asset.host for asset in (*job.assets, *job.left_assets) if asset.is_upload}
        for host in (studio.accounts.info(host_id) for host_id in sorted(hosts)):
            report.say(f"How long {host.title} keeps files: {host.upload_lifetime}")
        return OK
    finally:
        await studio.aclose()


async def _resolve(args: argparse.Namespace, where: Paths, report: Report) -> int:
    from klingstudio.studio import Studio

    if (args.answer == "found") != (args.remote_id is not None):
        raise InputRefused(Kind.SETTING_INVALID, "`found` needs the provider's id, the other answers take none")
    studio = await Studio.open(where, os.environ)
    try:
        queue = studio.queue
        job = queue.job(args.job)
        with report.watching(queue, job.id):
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


async def _keys(args: argparse.Namespace, where: Paths, _report: Report) -> int:
    from klingstudio.studio import open_accounts

    async with open_accounts(where, os.environ) as accounts:
        match args.action:
            case "list":
                for info in accounts.services():
                    secret = await accounts.key(info.id)
                    print(f"{info.id}\t{secret.where}\t{secret.note}".rstrip())
            case "set":
                variable = _key_variable(accounts.info(args.provider))
                with console.interruptible():
                    value = getpass.getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline()
                secret = await accounts.set_key(args.provider, value)
                if secret.where is not Where.KEYCHAIN:
                    await accounts.remove_key(args.provider)
                    why = secret.note.partition(", so ")[0]
                    words = f"{why}. A key in the environment variable {variable} needs none"
                    raise KeyProblem(Kind.KEY_NOT_KEPT, words, subject="key")
                print("The key is in the keychain.")
            case "test":
                account = await accounts.test(args.provider)
                owner = f" for {account.name}" if account.name else ""
                left = f"; {account.balance} left" if account.balance is not None else ""
                print(f"The key works{owner}{left}.")
            case _:
                variable = _key_variable(accounts.info(args.provider))
                await accounts.remove_key(args.provider)
                stays = (await accounts.key(args.provider)).where is Where.ENVIRONMENT
                print(
                    f"The key in {variable} stays and is used: it is not ours to remove."
                    if stays
                    else "The key was removed."
                )
    return OK


# ------------------------------------------------------------------------------------------------------------- report


async def _report(args: argparse.Namespace, where: Paths, _said: Report) -> int:
    from klingstudio.diagnostics import Around, has_proxy, report
    from klingstudio.studio import open_accounts

    async with open_accounts(where, os.environ) as accounts:
        keys = {info.id: str((await accounts.key(info.id)).where) for info in accounts.services()}
    around = Around(keys=keys, has_proxy=has_proxy(os.environ))
    print(await asyncio.to_thread(report, where, around, with_names=args.with_names), end="")
    return OK


def _key_variable(info: ProviderInfo) -> str:
    if info.key_variable is None:
        raise InputRefused(Kind.SETTING_INVALID, f"{info.title} needs no key")
    return info.key_variable


_COMMANDS: dict[str, Callable[[argparse.Namespace, Paths, Report], Awaitable[int]]] = {
    "demo": _demo,
    "edit": _edit,
    "jobs": _jobs,
    "cancel": _cancel,
    "delete-copies": _delete_copies,
    "resume": _resume,
    "resolve": _resolve,
    "restore": restore,
    "keys": _keys,
    "report": _report,
}
