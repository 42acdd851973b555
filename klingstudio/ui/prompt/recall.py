"""Earlier prompts, one step at a time. What was being written is kept below them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from klingstudio.domain.prompt import Prompt


class Recall:
    """Where the person stands in the list of earlier prompts; at its bottom is the unfinished one."""

    def __init__(self, earlier: Callable[[], Sequence[str]]) -> None:
        """`earlier`: prompts with numbers, newest first."""
        self._earlier = earlier
        self._list: list[str] = []
        self._at = -1
        self._unfinished: Prompt = ()
        self._shown: Prompt = ()

    def reset(self) -> None:
        """Another draft is looked at."""
        self._at = -1

    def show(self, words: Prompt) -> None:
        """What came of the last answer. Whatever else is found in its place later was written: that is the bottom then."""
        self._shown = words

    def older(self, present: Prompt, text: str) -> str | None:
        """The prompt before the one that is shown; None at the top. `text`: the present one as it would be sent."""
        if self._at < 0 or present != self._shown:
            self._at = -1
            self._list = list(dict.fromkeys(one for one in self._earlier() if one.strip() and one != text))
            self._unfinished = present
        if self._at + 1 >= len(self._list):
            return None
        self._at += 1
        return self._list[self._at]

    def newer(self, present: Prompt) -> str | Prompt | None:
        """The prompt after the one that is shown, the unfinished one last; None at the bottom."""
        if self._at < 0 or present != self._shown:
            return None
        self._at -= 1
        return self._list[self._at] if self._at >= 0 else self._unfinished
