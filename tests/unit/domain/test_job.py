"""The transition table: one door to money, no dead ends, and nothing that leads back to a second request by itself."""

from __future__ import annotations

import pytest

from klingstudio.domain.job import ATTENTION, QUIET, TRANSITIONS, UNSENT, Event, IllegalMove, State, next_state


def test_every_state_can_be_reached_from_a_draft() -> None:
    reached, fresh = {State.DRAFT}, {State.DRAFT}
    while fresh:
        fresh = {dst for (frm, _), dst in TRANSITIONS.items() if frm in fresh} - reached
        reached |= fresh

    assert reached == set(State)


def test_every_state_that_does_not_rest_has_a_way_out() -> None:
    with_exit = {frm for frm, _ in TRANSITIONS}

    assert set(State) - QUIET <= with_exit


def test_only_ready_leads_to_submitting() -> None:
    doors = {frm for (frm, _), dst in TRANSITIONS.items() if dst is State.SUBMITTING}

    assert doors == {State.READY}


def test_a_request_that_may_be_out_returns_to_ready_only_by_proof_or_by_the_person() -> None:
    ways = {(frm, event) for (frm, event), dst in TRANSITIONS.items() if dst is State.READY and frm not in UNSENT}

    assert ways == {(State.SUBMITTING, Event.NOT_SENT), (State.UNCONFIRMED, Event.USER_RESUBMIT)}


def test_a_crash_while_submitting_is_never_taken_for_not_sent() -> None:
    assert next_state(State.SUBMITTING, Event.CRASH) is State.UNCONFIRMED


def test_completed_and_rejected_never_change() -> None:
    assert not [frm for frm, _ in TRANSITIONS if frm in (State.COMPLETED, State.REJECTED)]


def test_a_stopped_job_was_never_sent() -> None:
    stopped = {frm for frm, event in TRANSITIONS if event is Event.STOP}

    assert stopped <= UNSENT


def test_what_needs_attention_does_not_rest() -> None:
    assert not ATTENTION & QUIET


def test_an_event_that_is_not_listed_is_refused() -> None:
    with pytest.raises(IllegalMove):
        next_state(State.UNCONFIRMED, Event.INTENT)
