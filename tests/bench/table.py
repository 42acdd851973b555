"""One figure a line: ours, the peer measured in the same run, the goal, and whether it is met."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a figure stands to its goal."""

    MET = "met"
    BELOW_GOAL = "goal missed, must met"
    MISSED = "missed"
    FAILED = "missed: could not be measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured number. Smaller is better; None where it could not be measured."""

    name: str
    ours: float | None
    peer: float | None
    unit: str
    must: float
    goal: float | None = None
    """None: the same as `must`."""
    judges_ratio: bool = False
    """True: goal and must are about ours divided by peer."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours divided by peer, where there is a peer that is not zero."""
        return self.ours / self.peer if self.ours is not None and self.peer else None

    @property
    def verdict(self) -> Verdict:
        """What the number means."""
        value = self.ratio if self.judges_ratio else self.ours
        if value is None:
            return Verdict.FAILED
        if value > self.must:
            return Verdict.MISSED
        return Verdict.MET if self.goal is None or value <= self.goal else Verdict.BELOW_GOAL


_WIDTHS = (42, 12, 12, 7, 20)


def header() -> str:
    """The first line of the table."""
    return _row("figure", "ours", "peer", "ratio", "goal", "verdict")


def line(figure: Figure) -> str:
    """One figure."""
    unit = "x" if figure.judges_ratio else f" {figure.unit}"
    goal = f"<= {figure.must:g}{unit}"
    if figure.goal is not None:
        goal = f"<= {figure.goal:g}{unit}, must {figure.must:g}"
    verdict = figure.verdict + (f"  ({figure.note})" if figure.note else "")
    ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}"
    return _row(figure.name, _number(figure.ours, figure.unit), _number(figure.peer, figure.unit), ratio, goal, verdict)


def exit_code(figures: Iterable[Figure]) -> int:
    """1 when a must is missed or nothing is known about it."""
    return int(any(figure.verdict in (Verdict.MISSED, Verdict.FAILED) for figure in figures))


def at_share(values: Iterable[float], share: float) -> float:
    """The value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.1f} {unit}"


def _row(*cells: str) -> str:
    return "  ".join([*(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=False)), cells[-1]])
