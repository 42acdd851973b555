from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from klingstudio.media.decode_plan import Run, Wishes

NONE = range(0)


@dataclass
class Shelf:
    """Frames that are there, of a clip with evenly spaced key frames."""

    room: int = 100
    count: int = 1000
    keys_every: int = 250
    there: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)

    def is_missing(self, frame: int) -> bool:
        return 0 <= frame < self.count and frame not in self.there

    def is_lost(self, frame: int) -> bool:
        return frame in self.lost

    def key_before(self, frame: int) -> int:
        return frame - frame % self.keys_every


# --- ahead ------------------------------------------------------------------------------------------------------------


def test_the_first_wish_that_is_missing_comes_next() -> None:
    wishes = Wishes(frames=(20, 21, 22, 5))

    assert wishes.next_ahead(Shelf(there={20, 21})) == Run(first=22, target=22)
    assert wishes.next_ahead(Shelf(there={20, 21, 22})) == Run(first=5, target=5)
    assert wishes.next_ahead(Shelf(there={20, 21, 22, 5})) is None


def test_the_neighbours_are_kept_on_the_way_to_the_first_wish() -> None:
    wishes = Wishes(frames=(200, 201, 202, 199, 198, 197))

    assert wishes.next_ahead(Shelf()) == Run(first=197, target=200)


def test_nothing_before_the_key_frame_is_decoded_on_the_way() -> None:
    assert Wishes(frames=(251, 250, 249)).next_ahead(Shelf()) == Run(first=250, target=251)


def test_a_step_back_that_meets_nothing_brings_the_whole_window_along() -> None:
    wishes = Wishes(frames=(201,), back=30).followed_by((200,), 30)

    assert wishes.next_ahead(Shelf()) == Run(first=170, target=200)
    assert wishes.followed_by((100,), 30).next_ahead(Shelf()) == Run(first=100, target=100)


def test_wishes_beyond_the_room_are_left_alone() -> None:
    assert Wishes(frames=(1, 2, 3, 4)).next_ahead(Shelf(room=2, there={1, 2})) is None


# --- behind -----------------------------------------------------------------------------------------------------------


def test_the_window_is_filled_in_one_run_from_the_nearest_missing_frame_down() -> None:
    wishes = Wishes(frames=(200,), back=50)

    assert wishes.next_behind(Shelf(there={200, 199}), NONE) == Run(first=150, target=198)


def test_a_run_stays_between_two_key_frames_where_they_are_far_apart() -> None:
    wishes = Wishes(frames=(270,), back=50)

    assert wishes.next_behind(Shelf(), NONE) == Run(first=250, target=269)
    there = set(range(250, 270))
    assert wishes.next_behind(Shelf(there=there), NONE) == Run(first=220, target=249)


def test_a_run_spans_key_frames_that_are_close_together() -> None:
    wishes = Wishes(frames=(270,), back=50)

    run = wishes.next_behind(Shelf(keys_every=1), NONE)

    assert run == Run(first=257, target=269)


def test_nothing_is_fetched_while_more_than_half_of_the_window_is_left() -> None:
    wishes = Wishes(frames=(200,), back=50)

    assert wishes.next_behind(Shelf(there=set(range(175, 200))), NONE) is None
    assert wishes.next_behind(Shelf(there=set(range(176, 200))), NONE) == Run(first=150, target=175)


def test_a_window_that_was_begun_is_finished() -> None:
    wishes = Wishes(frames=(200,), back=50)
    goal = range(150, 200)

    assert wishes.next_behind(Shelf(there=set(range(170, 200))), goal) == Run(first=150, target=169)


def test_wishes_right_behind_the_first_one_never_wait() -> None:
    wishes = Wishes(frames=(200, 199, 198, 197))

    assert wishes.next_ahead(Shelf(there={200})) is None
    assert wishes.next_behind(Shelf(there={200, 199, 198}), NONE) == Run(first=197, target=197)


def test_what_was_lost_once_is_not_tried_again_and_again() -> None:
    wishes = Wishes(frames=(200,), back=50)

    assert wishes.next_behind(Shelf(lost={199, 198}), NONE) == Run(first=150, target=197)


def test_no_wishes_are_no_work() -> None:
    assert Wishes(back=50).next_ahead(Shelf()) is None
    assert Wishes(back=50).next_behind(Shelf(), NONE) is None


@given(
    frames=st.lists(st.integers(-5, 400), max_size=12, unique=True).map(tuple),
    before=st.lists(st.integers(0, 400), max_size=3, unique=True).map(tuple),
    back=st.integers(0, 300),
    room=st.integers(1, 120),
    keys_every=st.integers(1, 130),
)
def test_every_plan_ends_with_all_that_fits_in_place(
    frames: tuple[int, ...], before: tuple[int, ...], back: int, room: int, keys_every: int
) -> None:
    shelf = Shelf(room=room, count=390, keys_every=keys_every)
    wishes = Wishes().followed_by(before, back).followed_by(frames, back)
    goal = NONE

    for _ in range(1000):
        run = wishes.next_ahead(shelf)
        if run is None:
            run = wishes.next_behind(shelf, goal)
            goal = wishes.window(room)
        if run is None:
            break
        assert shelf.is_missing(run.target)
        assert 0 <= run.first <= run.target
        shelf.there.update(range(run.first, run.target + 1))
    else:
        raise AssertionError("the plan never ends")

    assert all(not shelf.is_missing(frame) for frame in frames[:room])
    window = wishes.window(room)
    assert len(window) <= room
    here = window.stop
    assert all(frame in shelf.there for frame in range(max(0, here - len(window) // 2), here) if frame < shelf.count)
