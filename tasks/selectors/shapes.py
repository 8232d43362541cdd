"""A question about tasks without its values: who asks (overseer or not, guest or not), and which filters are given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from core.prepared import Bind
from tasks.models import Task
from tasks.querysets import TaskQuerySet
from tasks.selectors.tasks import TaskFilters, given, narrowed, resolved


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a value stands there is a hole."""

    overseer: bool
    guest: bool
    filters: tuple[tuple[str, Any], ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.filters)

    def value(self, name: str) -> Any:
        return dict(self.filters).get(name)

    def narrow(self, rows: TaskQuerySet, *, but: Collection[str] = ()) -> TaskQuerySet:
        """Narrow by the filters, but for those that are asked otherwise."""
        listed = {name: list(value) if isinstance(value, tuple) else value for name, value in self.filters}
        kept: Any = {name: value for name, value in listed.items() if name not in but}
        guest = Bind("reader") if self.guest and not self.overseer else None
        asker: Any = {"now": Bind("now"), "today": Bind("today"), "guest": guest}
        return narrowed(rows, TaskFilters(**asker, **kept))

    def visible(self) -> TaskQuerySet:
        return Task.objects.seen_by(Bind("reader"), overseer=self.overseer, guest=self.guest)

    def rows(self) -> TaskQuerySet:
        return self.narrow(self.visible())


def asked(user: User, filters: TaskFilters) -> tuple[Shape, dict[str, Any]]:
    """Return the question without its values, and the values."""
    values = {"reader": user.pk, "now": filters.now, "today": filters.today}
    holes = tuple((name, _with_holes(name, value, values)) for name, value in given(resolved(user, filters)))
    return Shape(user.is_overseer, user.is_guest, holes), values


def _with_holes(name: str, value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return tuple(_with_holes(f"{name}{index}", one, values) for index, one in enumerate(value))
    if value == "none" or isinstance(value, bool) or name.startswith("category"):
        return value  # another question, not another value
    values[name] = value
    return Bind(name)
