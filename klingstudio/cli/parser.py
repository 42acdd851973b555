"""The words of the command line, as README.md promises them."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from klingstudio import __version__
from klingstudio.cli import WRONG_INPUT
from klingstudio.domain.media import Framing, Trim
from klingstudio.domain.request import Tier

AMOUNT_END = 10**6
"""A cap is below this: Python accepts amounts, such as 1e999999, that nothing can be computed with."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as every other error."""
        self.exit(WRONG_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """What `klingstudio` accepts."""
    main = _Parser(
        prog="klingstudio", description="Edit video with Kling. Without a command the studio's window opens."
    )
    main.add_argument("--version", action="version", version=f"klingstudio {__version__}")
    commands = main.add_subparsers(dest="command", metavar="COMMAND")

    compare = commands.add_parser(
        "compare",
        help="the player alone, on any two videos",
        description="Play two videos in step and compare them. Nothing leaves this computer.",
    )
    compare.add_argument("before", metavar="BEFORE", help="the video on the left")
    compare.add_argument("after", metavar="AFTER", help="the video on the right, played in step with it")

    demo = commands.add_parser("demo", help="the whole loop on the built-in sandbox: no key, no network")
    demo.add_argument("--headless", action="store_true", help="without the window")
    demo.add_argument("--out", metavar="DIR", help="where the take goes")
    demo.add_argument("--json", action="store_true", help="one JSON object a line")

    edit = commands.add_parser("edit", help="edit one clip and wait for the take")
    edit.add_argument("source", metavar="SOURCE", help="a file, or an https address of yours")
    edit.add_argument("--prompt", required=True, metavar="TEXT", help="what should change; @Image1, @Element1 point")
    edit.add_argument(
        "--provider", metavar="NAME", help="which service does the work; `all` with --dry-run compares them"
    )
    edit.add_argument("--tier", choices=[tier.value for tier in Tier], default=Tier.PRO.value)
    edit.add_argument("--image", action="append", default=[], metavar="PATH_OR_URL")
    edit.add_argument("--element", action="append", default=[], metavar="FRONT[,ANGLE]...")
    sound = edit.add_mutually_exclusive_group()
    sound.add_argument("--keep-audio", dest="keep_audio", action="store_true", default=True)
    sound.add_argument("--drop-audio", dest="keep_audio", action="store_false")
    edit.add_argument("--trim", type=_trim, metavar="START-END", help="seconds of the source, for example 2-8.5")
    edit.add_argument(
        "--framing",
        choices=[framing.value for framing in Framing],
        default=Framing.SCALE.value,
        help="for a shape that the service does not take: refuse it, add black bars, or cut to the middle",
    )
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
    delete = commands.add_parser("delete-copies", help="remove what was uploaded for a job that has ended")
    delete.add_argument("job", metavar="JOB")
    resume = commands.add_parser("resume", help="carry every unfinished job to its end; never sends one again")
    resume.add_argument("--json", action="store_true", help="one JSON object a line")
    restore = commands.add_parser(
        "restore",
        help="put a backup of the list of jobs back, where the list is damaged; alone it says what there is",
    )
    restore.add_argument("which", nargs="?", metavar="BACKUP|newest|as-it-is|empty")
    restore.add_argument("--json", action="store_true", help="one JSON object a line")
    resolve = commands.add_parser("resolve", help="answer a job whose outcome is not known")
    resolve.add_argument("job", metavar="JOB")
    resolve.add_argument("answer", choices=["again", "drop", "found"])
    resolve.add_argument("remote_id", nargs="?", metavar="REMOTE_ID")

    keys = commands.add_parser("keys", help="list, set, test or remove keys; `set` reads it from standard input")
    actions = keys.add_subparsers(dest="action", required=True, metavar="list|set|test|remove")
    actions.add_parser("list")
    for action in ("set", "test", "remove"):
        actions.add_parser(action).add_argument("provider", metavar="PROVIDER")

    report = commands.add_parser("report", help="facts for whoever helps, without keys, prompts and addresses")
    report.add_argument("--with-names", action="store_true", help="also the names of sources and takes")

    sandbox = commands.add_parser("sandbox", help="run the local stand-ins; their addresses are the first line")
    sandbox.add_argument("--port", type=int, metavar="N")
    sandbox.add_argument("--faults", metavar="FILE")
    sandbox.add_argument("--certificate", metavar="FILE", help="PEM with certificate and key, for what wants https")
    return main


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
    if not amount.is_finite() or not 0 <= amount < AMOUNT_END:
        raise argparse.ArgumentTypeError(f"{value!r} is not an amount")
    return amount
