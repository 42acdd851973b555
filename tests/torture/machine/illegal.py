"""Moves that the code never makes, tried on the database itself: its triggers are the last line."""

from __future__ import annotations

import sqlite3
from random import Random

from klingstudio.domain.job import TRANSITIONS, AttemptState, Event, State

_AFTER_UNKNOWN = {AttemptState.ACCEPTED, AttemptState.WAIVED}


def try_one(sql: sqlite3.Connection, job_id: str, random: Random) -> str:
    """Make one forbidden move; what it was, where the database let it pass, else nothing. Leaves everything as it was."""
    kinds = (_event, _state, _rewrite, _remove, _attempt, _settle, _unspend, _birth, _share)
    made = random.choice(kinds)(sql, job_id, random)
    if made is None:
        return ""
    statement, values = made
    sql.execute("BEGIN IMMEDIATE")
    try:
        changed = sql.execute(statement, values).rowcount
    except sqlite3.IntegrityError:
        return ""
    finally:
        sql.execute("ROLLBACK")
    return f"{statement} {values}" if changed else ""


_Move = tuple[str, tuple[object, ...]] | None


def _event(sql: sqlite3.Connection, job_id: str, random: Random) -> _Move:
    state = _state_of(sql, job_id)
    frm, ev, dst = random.choice([state, *State]), random.choice(list(Event)), random.choice(list(State))
    if frm == state and TRANSITIONS.get((frm, ev)) is dst:
        return None
    return "INSERT INTO event(job_id, frm, ev, dst, at) VALUES (?, ?, ?, ?, 'now')", (job_id, frm, ev, dst)


def _state(sql: sqlite3.Connection, job_id: str, random: Random) -> _Move:
    dst = random.choice(list(State))
    if dst is _state_of(sql, job_id):
        return None
    return "UPDATE job SET state = ? WHERE id = ?", (dst, job_id)


def _rewrite(sql: sqlite3.Connection, job_id: str, random: Random) -> _Move:
    column = random.choice(["frm", "ev", "dst", "at", "job_id", "take_sha256"])
    return f"UPDATE event SET {column} = {column} WHERE job_id = ?", (job_id,)


def _remove(sql: sqlite3.Connection, job_id: str, random: Random) -> _Move:
    table, column = random.choice([("event", "job_id"), ("attempt", "job_id"), ("job", "id")])
    return f"DELETE FROM {table} WHERE {column} = ?", (job_id,)


def _attempt(sql: sqlite3.Connection, job_id: str, random: Random) -> _Move:
    states = {row[0] for row in sql.execute("SELECT state FROM attempt WHERE job_id = ?", (job_id,))}
    begins = random.choice([AttemptState.INTENT, *AttemptState])
    if begins is AttemptState.INTENT and not states & {"INTENT", "UNKNOWN", "ACCEPTED", "WAIVED"}:
        return None
    spent = sql.execute("SELECT id FROM approval WHERE job_id = ? AND spent_by IS NOT NULL", (job_id,)).fetchall()
    approval = random.choice([None, *(row[0] for row in spent)])
    columns = "id, job_id, provider, account_fp, state, asset_url, body_sha256, intent_at, approval_id"
    values = "'illegal', ?, 'there', 'me', ?, 'https://there/illegal', '00', 'now', ?"
    return f"INSERT INTO attempt({columns}) VALUES ({values})", (job_id, begins, approval)


def _settle(sql: sqlite3.Connection, job_id: str, random: Random) -> _Move:
    rows = sql.execute("SELECT id, state FROM attempt WHERE job_id = ? AND state <> 'INTENT'", (job_id,)).fetchall()
    if not rows:
        return None
    row, dst = random.choice(rows), random.choice(list(AttemptState))
    if (row["state"] == "UNKNOWN" and dst in _AFTER_UNKNOWN) or (row["state"] == "WAIVED" and dst == "ACCEPTED"):
        return None
    return "UPDATE attempt SET state = ? WHERE id = ?", (dst, row["id"])


def _unspend(sql: sqlite3.Connection, job_id: str, random: Random) -> _Move:
    value = random.choice([None, "another"])
    return "UPDATE approval SET spent_by = ? WHERE job_id = ? AND spent_by IS NOT NULL", (value, job_id)


def _birth(sql: sqlite3.Connection, job_id: str, random: Random) -> _Move:
    state = random.choice([one for one in State if one is not State.DRAFT])
    return (
        "INSERT INTO job(id, seq, state, provider, created_at, doc) VALUES ('illegal', 9999, ?, 'there', 'now', '{}')",
        (state,),
    )


def _share(sql: sqlite3.Connection, job_id: str, random: Random) -> _Move:
    """One remote id for two attempts."""
    taken = sql.execute("SELECT provider, account_fp, remote_id FROM attempt WHERE remote_id IS NOT NULL").fetchall()
    if not taken:
        return None
    there = random.choice(taken)
    return (
        "UPDATE attempt SET remote_id = ? WHERE job_id = ? AND provider = ? AND account_fp = ? AND remote_id IS NOT ?",
        (there["remote_id"], job_id, there["provider"], there["account_fp"], there["remote_id"]),
    )


def _state_of(sql: sqlite3.Connection, job_id: str) -> State:
    return State(sql.execute("SELECT state FROM job WHERE id = ?", (job_id,)).fetchone()[0])
