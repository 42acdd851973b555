"""The limits on spending: a day and a month for every currency that services ask for. Taken over as they are typed."""

from __future__ import annotations

import re
from decimal import Decimal

from PySide6.QtWidgets import QGridLayout, QLineEdit, QVBoxLayout, QWidget

from klingstudio.ui import text, theme
from klingstudio.ui.models.spending import PERIODS, SpendingModel
from klingstudio.ui.widgets.labels import label, set_role

NOT_AN_AMOUNT = "Write an amount such as 20 or 12.50, or leave it empty for no limit."
HINT = (
    "The most that an edit may cost is reserved when you press Generate, and settled when it is known what was charged."
    " What would pass a limit is not sent. An empty field is no limit."
)
_AMOUNT = re.compile(r"\d{1,6}(\.\d{1,2})?")
_NAMES = {"USD": "US dollars"}
_COLUMNS = {"day": "A day", "month": "A month"}


class LimitField(QLineEdit):
    """The limit of one currency for one period."""

    def __init__(self, spending: SpendingModel, currency: str, period: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spending, self._currency, self._period = spending, currency, period
        self.setObjectName(f"limit {currency} {period}")
        self.setAccessibleName(f"Spend at most, {_COLUMNS[period].lower()}, in {name_of(currency)}")
        self.setPlaceholderText("no limit")
        self.show_amount()
        self.editingFinished.connect(self._save)

    @property
    def is_wrong(self) -> bool:
        """True while something else than an amount stands here."""
        return bool(self._written) and not _AMOUNT.fullmatch(self._written)

    @property
    def _written(self) -> str:
        return self.text().strip().removeprefix("$").strip().replace(",", ".")

    def show_amount(self) -> None:
        """The limit as it is kept."""
        amount = self._spending.cap(self._currency, self._period)
        self.setText("" if amount is None else f"{amount:f}")

    def _save(self) -> None:
        if self.is_wrong:
            return
        amount = Decimal(self._written) if self._written else None
        if amount != self._spending.cap(self._currency, self._period):
            self._spending.set_cap(self._currency, self._period, amount)


class LimitsBox(QWidget):
    """All of them, how they stand, and what is wrong with what was written."""

    def __init__(self, spending: SpendingModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spending = spending
        self.fields: dict[tuple[str, str], LimitField] = {}
        self._problem = label(role="bad", wraps=True)
        self._problem.hide()
        self._stands = label(role="secondary", wraps=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.GAP))
        column.addLayout(self._build_fields())
        column.addSpacing(theme.px(theme.GAP))
        column.addWidget(self._problem)
        column.addWidget(self._stands)
        column.addWidget(label(HINT, "faint", wraps=True))
        spending.changed.connect(self._refresh)
        self._refresh()

    @property
    def first(self) -> LimitField | None:
        """Where the cursor goes."""
        return next(iter(self.fields.values()), None)

    @property
    def problem(self) -> str:
        """What is wrong; empty for nothing."""
        return "" if self._problem.isHidden() else self._problem.text()

    def _build_fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.px(theme.BETWEEN))
        grid.setVerticalSpacing(theme.px(theme.BETWEEN))
        grid.setColumnStretch(0, 1)
        for column, period in enumerate(PERIODS, 1):
            grid.addWidget(label(_COLUMNS[period], "faint"), 0, column)
        for row, (currency, titles) in enumerate(self._spending.currencies, 1):
            grid.addWidget(_named(currency, titles), row, 0)
            for column, period in enumerate(PERIODS, 1):
                field = LimitField(self._spending, currency, period, self)
                field.setMaximumWidth(theme.px(theme.LIMIT_WIDTH))
                field.textChanged.connect(self._check)
                self.fields[currency, period] = field
                grid.addWidget(field, row, column)
        return grid

    def _check(self) -> None:
        for field in self.fields.values():
            set_role(field, "wrong", "true" if field.is_wrong else "")
        is_wrong = any(field.is_wrong for field in self.fields.values())
        self._problem.setText(NOT_AN_AMOUNT if is_wrong else "")
        self._problem.setVisible(is_wrong)

    def _refresh(self) -> None:
        lines = [line for one in self._spending.balances for line in text.spent(one)]
        self._stands.setText("\n".join(lines))
        self._stands.setVisible(bool(lines))


def name_of(currency: str) -> str:
    """A currency as it is read."""
    return _NAMES.get(currency, currency)


def _named(currency: str, titles: tuple[str, ...]) -> QWidget:
    """A currency, and who asks for it: dollars do not limit credits."""
    named = QWidget()
    name = name_of(currency)
    column = QVBoxLayout(named)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(label(name[:1].upper() + name[1:]))
    column.addWidget(label(", ".join(titles), "faint", wraps=True))
    return named
