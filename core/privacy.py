"""What the house knows about one person: each app says what it keeps and how it forgets; `config` puts it together.

settings.PERSONAL_DATA_PROVIDERS names the sequence of all keepers, because no app knows those above it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

Row = Mapping[str, object]
BATCH_SIZE = 1000


class ExportSection(NamedTuple):
    """One file of an export: `name` without its ending, a sentence about it, its rows as plain values.

    `covers` names the models whose rows it hands over, so that a test finds the model nobody thought of.
    """

    name: str
    description: str
    rows: Callable[[uuid.UUID], Iterable[Row]]
    model_labels: tuple[str, ...]


class PersonalDataProvider(NamedTuple):
    """One app's share. `forget(person_id, now)` runs inside the transaction that erases the person."""

    parts: tuple[ExportSection, ...]
    erase: Callable[[uuid.UUID, datetime], None]


def providers() -> Sequence[PersonalDataProvider]:
    found: Sequence[PersonalDataProvider] = import_string(settings.PERSONAL_DATA_PROVIDERS)
    return found


def in_batches(rows: QuerySet[Any, Any]) -> Iterator[Row]:
    """Walk through rows of `values(...)`, `pk` among them, in the order of the key: never more than BATCH in memory."""
    last = None
    while True:
        piece = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
        found = list(piece[:BATCH_SIZE])
        for row in found:
            last = row.pop("pk")
            yield row
        if len(found) < BATCH_SIZE:
            return
