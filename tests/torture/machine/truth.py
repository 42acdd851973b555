"""What really happened, kept where no crash of the program can reach it, and what must be true of it and the disk."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from klingstudio.domain.job import TRANSITIONS, Event, State

_ENDS = frozenset({State.COMPLETED, State.REJECTED})


@dataclass(slots=True)
class Truth:
    """The provider's side: what was posted, what was charged, and the takes that have a final name."""

    owner: dict[str, str] = field(default_factory=dict)
    """Address of a clip → job."""
    posts: Counter[str] = field(default_factory=Counter)
    """POSTs by the address of their clip, whatever became of them."""
    charged: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Address of a clip → ids that the provider made and charged for it, one list for all POSTs with it."""
    paid_posts: Counter[str] = field(default_factory=Counter)
    """POSTs that were charged, by the address of their clip."""
    approved: Counter[str] | None = None
    """How often the person said "send again", by job, where somebody counts it; else the journal is believed."""
    unannounced: list[str] = field(default_factory=list)
    """POSTs that arrived while the journal had no intent for them."""

    def post(self, asset_url: str, journal: sqlite3.Connection) -> None:
        """A POST arrived: the journal, read by somebody else, must know of it."""
        self.posts[asset_url] += 1
        rows = journal.execute("SELECT state FROM attempt WHERE asset_url = ?", (asset_url,)).fetchall()
        if ("INTENT",) not in [tuple(row) for row in rows]:
            self.unannounced.append(asset_url)

    def charge(self, asset_url: str, *remote_ids: str) -> None:
        """The provider accepted it and made these."""
        self.paid_posts[asset_url] += 1
        self.charged[asset_url] += remote_ids


@dataclass(slots=True)
class Watch:
    """Looks at journal, truth and files after each step. Remembers what may never change again."""

    truth: Truth
    files: Callable[[], Mapping[str, str]]
    """Final name → sha256 of what lies there."""
    _ended: dict[str, str] = field(default_factory=dict)

    def broken(self, sql: sqlite3.Connection) -> list[str]:
        """Every promise that is broken now, by the number it has in the list of invariants."""
        found = list(self._money(sql))
        found += self._history(sql)
        found += self._ends(sql)
        known = {row[0] for row in sql.execute("SELECT take_sha256 FROM event WHERE ev = 'good'")}
        planned = {row[0] for row in sql.execute("SELECT json_extract(doc, '$.take_sha256') FROM job")}
        # Between the rename and its commit the journal has announced the name, and adopts it at the next start.
        found += [f"I7 {name} is no verified take" for name, sha in self.files().items() if sha not in known | planned]
        return found

    def _money(self, sql: sqlite3.Connection) -> Iterator[str]:
        attempts = sql.execute("SELECT id, job_id, state, asset_url, approval_id, remote_id FROM attempt").fetchall()
        spent: Counter[str] = Counter()
        for row in sql.execute("SELECT job_id, spent_by FROM approval WHERE spent_by IS NOT NULL"):
            users = [a for a in attempts if a["id"] == row["spent_by"]]
            # An approval whose request did not leave was given back.
            spent[row["job_id"]] += any(a["state"] != "NOT_SENT" for a in users)
        uses = Counter(a["approval_id"] for a in attempts if a["approval_id"] is not None)
        yield from (f"I13 approval {one} was used {n} times" for one, n in uses.items() if n > 1)
        paid: Counter[str] = Counter()
        for asset_url, count in self.truth.paid_posts.items():
            paid[self.truth.owner[asset_url]] += count
        for job_id, count in paid.items():
            approved = spent[job_id] if self.truth.approved is None else min(spent[job_id], self.truth.approved[job_id])
            if count > 1 + approved:
                yield f"I1 {job_id} was charged {count} times with {approved} approvals"
        attached = {a["remote_id"] for a in attempts}
        open_urls = {a["asset_url"] for a in attempts if a["state"] in ("INTENT", "UNKNOWN", "WAIVED")}
        for asset_url, remote_ids in self.truth.charged.items():
            # Of a request that was accepted with several takes the others are looked for in the list.
            if asset_url not in open_urls and not attached & set(remote_ids):
                yield f"I2 {remote_ids} is paid and lost"
        yield from (f"I3 {url} was sent {n} times" for url, n in self.truth.posts.items() if n > 1)
        yield from (f"I4 {url} was sent before it was recorded" for url in self.truth.unannounced)

    def _history(self, sql: sqlite3.Connection) -> Iterator[str]:
        at: dict[str, str] = {}
        seqs = []
        for row in sql.execute("SELECT seq, job_id, frm, ev, dst FROM event ORDER BY seq"):
            seqs.append(row["seq"])
            before = at.get(row["job_id"], State.DRAFT)
            if row["frm"] != before or TRANSITIONS.get((State(row["frm"]), Event(row["ev"]))) != row["dst"]:
                yield f"I5 {row['job_id']}: {row['ev']} led from {row['frm']} (it was {before}) to {row['dst']}"
            at[row["job_id"]] = row["dst"]
        if seqs != list(range(1, len(seqs) + 1)):
            yield "I5 the history has gaps"
        for row in sql.execute("SELECT id, state FROM job"):
            if row["state"] != at.get(row["id"], State.DRAFT):
                yield f"I5 {row['id']} is {row['state']}, its history says {at.get(row['id'])}"

    def _ends(self, sql: sqlite3.Connection) -> Iterator[str]:
        for row in sql.execute("SELECT id, state FROM job"):
            if (before := self._ended.get(row["id"], row["state"])) != row["state"]:
                yield f"I6 {row['id']} was {before} and is {row['state']}"
            if row["state"] in _ENDS:
                self._ended[row["id"]] = row["state"]
