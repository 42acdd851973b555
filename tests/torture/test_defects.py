"""Each planted defect is seen by the kill harness at the promise that it breaks, where it is aimed at; `dev.py torture
defects` hunts each by chance, too.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.torture.defects.catalogue import DEFECTS, HARMLESS, Planted
from tests.torture.defects.part import aimed, broken
from tests.torture.kills.ward import Ward, a_ward

SEED = 60_000


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with a_ward(tmp_path_factory.mktemp("ward")) as ward:
        yield ward


def named(defect: Planted) -> str:
    return defect.name


@pytest.mark.parametrize("defect", DEFECTS, ids=named)
def test_a_planted_defect_is_seen(defect: Planted, ward: Ward) -> None:
    run = aimed(defect, SEED + DEFECTS.index(defect), ward)

    assert defect.breaks <= set(broken(run)), run.violations


@pytest.mark.parametrize("defect", HARMLESS, ids=named)
def test_no_harm_comes_of_a_defect_that_another_layer_stands_behind(defect: Planted, ward: Ward) -> None:
    run = aimed(defect, SEED + 500 + HARMLESS.index(defect), ward)

    assert run.kills == 1
    assert broken(run) == []
