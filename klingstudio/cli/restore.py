"""`klingstudio restore`: what can be done about a journal that cannot be opened, and doing it."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from klingstudio.cli.report import Report, exit_code
from klingstudio.domain.errors import InputRefused, Kind, Problem, StudioError
from klingstudio.paths import Paths
from klingstudio.ui import text

NEWEST = "newest"


async def restore(args: argparse.Namespace, where: Paths, report: Report) -> int:
    """List what there is, or put one thing in the place of the journal. One that is in order is left alone."""
    from klingstudio.store.backups import list_backups
    from klingstudio.store.rescue import Way
    from klingstudio.studio import check, put_back

    problem = check(where)
    backups = await asyncio.to_thread(list_backups, where.database)
    if args.which is None:
        for backup in backups:
            line = {"backup": backup.path.name, "made": backup.made_at.isoformat(), "edits": backup.jobs}
            words = f"{backup.path.name}  {text.backup(backup.jobs, f'{backup.made_at.astimezone():%Y-%m-%d %H:%M}')}"
            _say(args, line, words)
        if not backups:
            report.say("There is no backup.")
        if problem is None:
            report.say("The list of edits is in order: there is nothing to put back.")
            return 0
        report.refused(problem)
        return exit_code(problem)
    if problem is None:
        raise InputRefused(Kind.SETTING_INVALID, "the list of edits is in order: there is nothing to put back")
    if args.which in (Way.KEEP, Way.EMPTY):
        aside = put_back(where, problem, Way(args.which))
    else:
        aside = put_back(where, problem, Way.BACKUP, _chosen(args.which, [one.path for one in backups], problem))
    line = {"event": "restored", "from": args.which, "set_aside": str(aside)}
    _say(args, line, f"Done. The files as they were are in {aside}.")
    report.say("`klingstudio resume` asks the providers for what was ordered since, and carries it on.")
    return 0


def _chosen(which: str, backups: list[Path], problem: Problem) -> Path:
    found = [one for one in backups if one.name.startswith(which)] or (backups[:1] if which == NEWEST else [])
    if len(found) != 1:
        words = f"no backup, or several, begin with {which!r}; `klingstudio restore` lists them"
        raise StudioError(problem.kind, words) if not backups else InputRefused(Kind.SETTING_INVALID, words)
    return found[0]


def _say(args: argparse.Namespace, line: dict[str, object], words: str) -> None:
    print(json.dumps(line) if args.json else words, flush=True)
