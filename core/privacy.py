"""Personal data (GDPR): each app declares how to export and how to erase the data of a user.

settings.PERSONAL_DATA_PROVIDERS names the sequence of all providers, because no app knows those above it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Model, QuerySet
from django.utils.module_loading import import_string

Row = Mapping[str, object]
BATCH_SIZE = 1000


class ExportSection(NamedTuple):
    """One file of an export: `name` without extension, a sentence about it, its rows as plain values.

    `model_labels` are the models whose rows it contains; a test finds models that are in no section.
    """

    name: str
    description: str
    rows: Callable[[uuid.UUID], Iterable[Row]]
    model_labels: tuple[str, ...]


def section_of(
    model: type[Model], name: str, description: str, columns: Sequence[str], *, owner: str = "user"
) -> ExportSection:
    """Return a section with these columns of a model's rows; `owner` is the column that refers to the user."""

    def rows(user_id: uuid.UUID) -> Iterator[Row]:
        return in_batches(model._default_manager.filter(**{owner: user_id}).values("pk", *columns))

    return ExportSection(name, description, rows, (model._meta.label,))


class PersonalDataProvider(NamedTuple):
    """The personal data of one app. `erase(user_id, now)` runs inside the transaction that erases the user."""

    parts: tuple[ExportSection, ...]
    erase: Callable[[uuid.UUID, datetime], None]


def providers() -> Sequence[PersonalDataProvider]:
    provider_list: Sequence[PersonalDataProvider] = import_string(settings.PERSONAL_DATA_PROVIDERS)
    return provider_list


def in_batches(rows: QuerySet[Any, Any]) -> Iterator[Row]:
    """Yield the rows of a `values(...)` queryset without their `pk`, in batches."""
    last_pk = None
    while True:
        # By key, not by OFFSET: a batch costs the same however many rows precede it.
        following = rows.order_by("pk") if last_pk is None else rows.order_by("pk").filter(pk__gt=last_pk)
        batch = list(following[:BATCH_SIZE])
        for row in batch:
            last_pk = row.pop("pk")
            yield row
        if len(batch) < BATCH_SIZE:
            return
