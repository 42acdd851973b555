"""The person at the window, as a source of faults: clicks twice, clicks late, answers before the list has caught up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from klingstudio.domain.job import ATTENTION, QUIET, UNSENT, State

LOOKS = 3
"""How often a patient person looks again before deciding."""

Deed = Mapping[str, Any]


@dataclass(slots=True)
class View:
    """What stands on the cards, as far as the person has seen it."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take_in(self, message: Mapping[str, Any]) -> bool:
        """Look at one message of the engine; False when it was about something else."""
        if "job" not in message or "state" not in message:
            return False
        self.jobs[message["job"]] = dict(message)
        return True

    def rows(self) -> Iterator[tuple[str, State, bool, str]]:
        """Each job: id, state, whether it waits, why."""
        for job_id, row in self.jobs.items():
            yield job_id, State(row["state"]), row["paused"], row["problem"]

    def unfinished(self) -> int:
        """How many jobs go on, or would if they were told to."""
        return sum(
            state not in QUIET | ATTENTION or (state is State.DRAFT and problem == "interrupted")
            for _, state, _, problem in self.rows()
        )

    def is_at_rest(self) -> bool:
        """True when nothing goes on by itself and nobody is asked anything."""
        return all(
            state in QUIET and not (state is State.DRAFT and problem == "interrupted")
            for _, state, _, problem in self.rows()
        )


class Person:
    """Acts on what is seen, by chance."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._looks: dict[str, int] = {}

    def wake(self, view: View, wish: str = "") -> list[Deed]:
        """At the beginning of a life: most of what was interrupted is told to go on; all of it by who has a wish."""
        return [
            {"do": "carry_on", "job": job_id}
            for job_id, state, paused, problem in view.rows()
            if (paused or (state is State.DRAFT and problem == "interrupted")) and (wish or self._random.random() < 0.8)
        ]

    def meddle(self, view: View, wish: str = "") -> list[Deed]:
        """In the middle of the trouble: what is wished, again and again, or by chance one thing or none."""
        if wish == "on":
            return [self._answer(job_id, ("send_again",)) for job_id, state, _, _ in view.rows() if state in ATTENTION]
        if wish:
            return [deed for row in view.rows() for deed in _wished(wish, *row[:3])]
        rows = list(view.rows())
        if not rows or self._random.random() < 0.8:
            return []
        job_id, state, paused, _ = self._random.choice(rows)
        if paused or state is State.DRAFT:
            what = self._random.choice([*["carry_on"] * 9, "cancel"])
        elif state is State.UNCONFIRMED:
            what = self._random.choice(["look_again", "send_again", "send_again", "drop", "cancel", "carry_on"])
        elif state in ATTENTION:
            what = self._random.choice(["look_again", "look_again", "drop"])
        elif state in UNSENT or state in {State.SUBMITTING, State.REMOTE}:
            what = self._random.choice([*["carry_on", "look_again"] * 15, "cancel"])
        else:
            what = self._random.choice(["carry_on", "delete_copies", "send_again"])
        return [{"do": what, "job": job_id}] * self._random.choice([1, 1, 2, 3])

    def settle(self, view: View) -> list[Deed]:
        """At the end, when everything works again: whatever it takes until all of it rests."""
        deeds: list[Deed] = []
        for job_id, state, paused, problem in view.rows():
            if state is State.UNCONFIRMED:
                deeds.append(self._answer(job_id, ("send_again", "send_again", "drop")))
            elif state in ATTENTION:
                deeds.append(self._answer(job_id, ("drop",)))
            elif paused and problem == "over_approval":
                deeds += [{"do": "send_again", "job": job_id}] * 2
            elif paused or (state is State.DRAFT and problem == "interrupted"):
                deeds += [{"do": "carry_on", "job": job_id}] * self._random.choice([1, 2])
        return deeds

    def _answer(self, job_id: str, decisions: tuple[str, ...]) -> Deed:
        looks = self._looks[job_id] = self._looks.get(job_id, 0) + 1
        what = "look_again" if looks <= LOOKS else self._random.choice(decisions)
        return {"do": what, "job": job_id}


def _wished(wish: str, job_id: str, state: State, is_paused: bool) -> list[Deed]:
    """Each twice, as a double click does it."""
    deed: Deed | None = None
    if wish == "again" and state is State.UNCONFIRMED:
        deed = {"do": "send_again", "job": job_id}
    elif wish == "resume" and is_paused:
        deed = {"do": "carry_on", "job": job_id}
    elif wish == "drop" and state in ATTENTION:
        deed = {"do": "drop", "job": job_id}
    elif (wish == "cancel" and state in {State.REMOTE, State.SUBMITTING}) or (
        wish == "stop" and state in UNSENT - {State.DRAFT} and not is_paused
    ):
        deed = {"do": "cancel", "job": job_id}
    return [deed, deed] if deed is not None else []
