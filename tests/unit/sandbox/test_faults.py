"""The fault plan as data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from klingstudio.sandbox.faults import FaultPlan, FaultPlanWrong, Kind, parse_plan


def plan(*rules: dict[str, Any]) -> FaultPlan:
    return FaultPlan(parse_plan(json.dumps(rules).encode()))


def wire(faults: FaultPlan, call: str) -> Kind | None:
    rule, _ = faults.take(call)
    return rule.kind if rule else None


def test_a_rule_strikes_once_and_only_its_call() -> None:
    faults = plan({"call": "poll", "kind": "hang"})

    assert wire(faults, "list") is None
    assert wire(faults, "poll") is Kind.HANG
    assert wire(faults, "poll") is None


def test_times_and_after_say_which_calls_are_struck() -> None:
    faults = plan({"call": "poll", "kind": "hang", "times": 2, "after": 1})

    assert [wire(faults, "poll") for _ in range(4)] == [None, Kind.HANG, Kind.HANG, None]


def test_times_zero_strikes_for_ever() -> None:
    faults = plan({"call": "any", "kind": "slow", "times": 0})

    assert [wire(faults, call) for call in ("poll", "submit", "poll")] == [Kind.SLOW] * 3


def test_rules_for_the_connection_queue_up_while_those_with_a_meaning_join() -> None:
    faults = plan(
        {"call": "submit", "kind": "reset_after"},
        {"call": "submit", "kind": "html"},
        {"call": "submit", "kind": "list_lag", "seconds": 3},
    )

    rule, meanings = faults.take("submit")

    assert rule
    assert rule.kind is Kind.RESET_AFTER
    assert rule.effect
    assert [(meaning.kind, meaning.seconds) for meaning in meanings] == [(Kind.LIST_LAG, 3)]
    assert wire(faults, "submit") is Kind.HTML


def test_an_old_model_that_is_gone_stays_gone() -> None:
    faults = plan({"kind": "old_model_gone"})

    assert [len(faults.take(call)[1]) for call in ("models", "submit", "models")] == [1, 1, 1]


def test_a_body_may_be_written_as_json() -> None:
    (rule,) = parse_plan(b'{"faults": [{"call": "poll", "kind": "status", "code": 500, "body": {"a": 1}}]}')

    assert rule.body == '{"a": 1}'
    assert not rule.effect


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"7", "a list of rules"),
        (b"[7]", "rule 1 is not an object"),
        (b'[{"call": "poll"}]', "rule 1: kind"),
        (b'[{"call": "poll", "kind": []}]', "rule 1: kind"),
        (b'[{"call": "poll", "kind": "hang"}, {"call": "pole", "kind": "hang"}]', "rule 2: call"),
        (b'[{"call": ["poll"], "kind": "hang"}]', "rule 1: call"),
        (b'[{"call": "poll", "kind": "hang", "time": 2}]', "there is no 'time'"),
        (b'[{"call": "poll", "kind": "hang", "times": "2"}]', "times has the wrong type"),
        (b'[{"call": "poll", "kind": "hang", "times": true}]', "times has the wrong type"),
        (b'[{"call": "poll", "kind": "hang", "after": -1}]', "after must not be negative"),
        (b'[{"call": "poll", "kind": "status", "code": 99}]', "code must be between"),
    ],
)
def test_a_wrong_plan_is_refused_in_one_line(text: bytes, says: str) -> None:
    with pytest.raises(FaultPlanWrong) as caught:
        parse_plan(text)

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
