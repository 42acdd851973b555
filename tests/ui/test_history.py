from __future__ import annotations

from klingstudio.ui.models.history import MERGE_S, STEPS_MOST, History


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_undo_and_redo_walk_the_same_way_in_both_directions() -> None:
    history = History(0, Clock())
    history.push(1, "one")
    history.push(2, "two")

    assert history.undo_label == "two"
    assert history.undo()
    assert (history.now, history.undo_label, history.redo_label) == (1, "one", "two")
    assert history.redo()
    assert (history.now, history.redo_label) == (2, "")


def test_there_is_nothing_to_undo_or_redo_at_the_ends() -> None:
    history = History(0, Clock())

    assert not history.undo()
    assert not history.redo()
    assert history.undo_label == ""


def test_a_change_after_undo_forgets_what_was_undone() -> None:
    history = History(0, Clock())
    history.push(1, "one")
    history.undo()

    history.push(5, "five")

    assert not history.redo()
    assert history.undo()
    assert history.now == 0


def test_changes_of_one_kind_that_follow_each_other_fast_are_one_step() -> None:
    clock = Clock()
    history = History(0, clock)
    for value in (1, 2, 3):
        clock.now_s += MERGE_S / 2
        history.push(value, "typing", "typing")

    history.undo()

    assert history.now == 0


def test_a_pause_or_another_kind_begins_a_new_step() -> None:
    clock = Clock()
    history = History(0, clock)
    history.push(1, "typing", "typing")
    clock.now_s += MERGE_S * 2
    history.push(2, "typing", "typing")
    history.push(3, "trim", "trim")

    assert [history.now for _ in range(3) if history.undo()] == [2, 1, 0]


def test_what_was_undone_is_never_merged_with_what_comes_after() -> None:
    history = History(0, Clock())
    history.push(1, "typing", "typing")
    history.undo()
    history.push(2, "typing", "typing")

    history.undo()

    assert history.now == 0


def test_the_same_value_again_is_no_step() -> None:
    history = History(0, Clock())
    history.push(0, "nothing")

    assert history.undo_label == ""


def test_an_amended_value_is_no_step_of_its_own() -> None:
    history = History(0, Clock())
    history.push(1, "one")
    history.amend(10)

    history.undo()

    assert history.now == 0


def test_the_oldest_steps_go_so_that_memory_is_bounded() -> None:
    history = History(0, Clock())
    for value in range(1, STEPS_MOST + 50):
        history.push(value, "step")
    steps = 0
    while history.undo():
        steps += 1

    assert steps == STEPS_MOST
