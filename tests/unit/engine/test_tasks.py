"""Tasks have an owner: none runs twice under one name, none fails unheard, none outlives its owner."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from klingstudio.engine.tasks import TaskOwner


def refuse(error: Exception) -> None:
    raise AssertionError(error)


async def test_a_second_task_of_the_same_name_is_not_started() -> None:
    owner = TaskOwner()
    began: list[int] = []

    async def work() -> None:
        began.append(1)
        await asyncio.sleep(0.01)

    assert owner.start("job", work(), on_error=refuse)
    assert not owner.start("job", work(), on_error=refuse)
    while owner.running("job"):
        await asyncio.sleep(0.001)

    assert began == [1]


async def test_a_failure_reaches_its_listener() -> None:
    owner = TaskOwner()
    heard: list[Exception] = []

    async def fail() -> None:
        raise ValueError("no")

    owner.start("job", fail(), on_error=heard.append)
    while owner.running("job"):
        await asyncio.sleep(0.001)

    assert [str(error) for error in heard] == ["no"]


async def test_closing_waits_for_the_clean_up_of_every_task() -> None:
    owner = TaskOwner()
    cleaned: list[int] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(1)

    owner.start("one", work(), on_error=refuse)
    await asyncio.sleep(0)
    owner.restart("one", work(), on_error=refuse)
    await asyncio.sleep(0)
    owner.cancel("one")
    await owner.aclose()

    assert cleaned == [1, 1]


async def test_a_task_that_is_cancelled_before_it_began_leaves_no_warning() -> None:
    owner = TaskOwner()

    async def work() -> None:
        await asyncio.sleep(60)

    owner.start("job", work(), on_error=refuse)
    await owner.aclose()

    assert not owner.running("job")


async def test_a_closed_owner_starts_nothing() -> None:
    owner = TaskOwner()
    await owner.aclose()

    async def work() -> None:
        pytest.fail("it ran")

    assert not owner.start("job", work(), on_error=refuse)
    await asyncio.sleep(0)


async def test_the_name_of_a_cancelled_task_is_free_at_once_and_its_clean_up_is_still_waited_for() -> None:
    owner = TaskOwner()
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append(name)

    owner.start("job", work("old"), on_error=refuse)
    await asyncio.sleep(0)
    owner.cancel("job")

    assert not owner.running("job")
    assert owner.start("job", work("new"), on_error=refuse)
    await asyncio.sleep(0)
    await owner.aclose()
    assert sorted(ended) == ["new", "old"]


async def test_a_task_in_which_a_deadline_has_just_run_out_is_cancelled_all_the_same() -> None:
    owner = TaskOwner()
    ended: list[str] = []

    async def work() -> None:
        me = asyncio.current_task()
        assert me is not None
        # What libraries do when their deadline runs out, except that not all of them take it back.
        me.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("work")

    owner.start("job", work(), on_error=refuse)
    await asyncio.sleep(0.01)

    async with asyncio.timeout(5):
        await owner.aclose()
    assert ended == ["work"]
