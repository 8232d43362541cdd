"""Reinsertion of stored rows by PostgreSQL, with their ids, in the order of foreign keys."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model
from django.db.models.deletion import SET_NULL
from django.utils.translation import gettext

from core.errors import Conflict
from tasks.models import TrashEntry
from tasks.trash.storage import foreign_keys, key_array, quote, report_rows, stored_columns

MEMBERSHIPS, TEAM_ROLES = "tasks.ProjectMember", "tasks.ProjectTeam"


def _stored_models(labels: Iterable[str]) -> list[type[Model]]:
    """Return the models of stored rows, each after those that it refers to."""
    remaining = {}
    for label in labels:
        try:
            remaining[label] = apps.get_model(label)
        except LookupError:  # removed by a later release
            continue
    ordered: list[type[Model]] = []
    while remaining:
        ready = [label for label, model in remaining.items() if not _requirements(model) & remaining.keys()]
        # Of a cycle any one may be first: PostgreSQL checks foreign keys at the end of the transaction.
        ordered += [remaining.pop(label) for label in ready or list(remaining)[:1]]
    return ordered


def _requirements(model: type[Model]) -> set[str]:
    labels = {field.related_model._meta.label for field in foreign_keys(model)} - {model._meta.label}
    # Triggers of team roles write memberships (migration 0002): the stored memberships come after and replace them.
    return labels | {TEAM_ROLES} if model._meta.label == MEMBERSHIPS else labels


def reinsert(entry: TrashEntry, overrides: Mapping[str, Any] | None = None) -> dict[str, int]:
    """Insert the stored rows; return how many of each model could not come back.

    `overrides` are columns of the object itself that get another value. A row is skipped where the other end of one of
    its foreign keys is gone; a column that allows null becomes null. Raises IntegrityError for a taken unique value.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, jsonb_array_length(value) FROM tasks_trashentry, jsonb_each(rows) WHERE id = %s", [entry.pk]
        )
        counts = dict(cursor.fetchall())
    inserted: dict[type[Model], set[Any]] = {}
    unchecked: list[Any] = []
    waiting = set(counts)
    for model in _stored_models(counts):
        # The other ends of these come later or in the same statement, so they are checked at the end.
        later = [field for field in foreign_keys(model) if field.related_model._meta.label in waiting]
        is_root = model._meta.label == entry.model_label
        inserted[model] = _insert(entry, model, later, (overrides or {}) if is_root else {}, is_root=is_root)
        waiting.discard(model._meta.label)
        unchecked += later
        report_rows(sum(map(len, inserted.values())))
    for field in unchecked:
        inserted[field.model] -= _resolve(field, inserted[field.model])
    counts |= {model._meta.label: counts[model._meta.label] - len(pks) for model, pks in inserted.items()}
    return {label: count for label, count in counts.items() if count}


def _insert(
    entry: TrashEntry, model: type[Model], unchecked: Collection[Any], overrides: Mapping[str, Any], *, is_root: bool
) -> set[Any]:
    label, table = model._meta.label, quote(model._meta.db_table)
    columns, expressions, conditions = [], [], ["true"]
    values: list[Any] = []
    for field in stored_columns(model):
        column = quote(field.column)
        expression = f"r.{column}"
        if field.column in overrides:
            expression = f"%s::{field.db_type(connection)}"
            values.append(overrides[str(field.column)])
        elif isinstance(field, ForeignKey) and field not in unchecked:
            if field.remote_field.on_delete is SET_NULL:
                expression = f"CASE WHEN {_other_end(field, 'r')} THEN {expression} END"
            else:
                conditions.append(f"(r.{column} IS NULL OR {_other_end(field, 'r')})")
        elif not field.null and field.has_default():
            # The column may be younger than the stored row.
            expression = f"coalesce({expression}, %s::{field.db_type(connection)})"
            values.append(field.get_db_prep_save(field.get_default(), connection))
        columns.append(column)
        expressions.append(expression)
    conflict = "" if is_root or _has_deferred_constraint(model) else "ON CONFLICT DO NOTHING"
    if label == MEMBERSHIPS:
        # A membership by teams alone comes back only where a team still gives it.
        conditions.append(
            f"(r.role IS NOT NULL OR EXISTS (SELECT 1 FROM {table} m "  # noqa: S608 -- names of models
            "WHERE m.project_id = r.project_id AND m.user_id = r.user_id))"
        )
        changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name != quote("effective_role"))
        conflict = f"ON CONFLICT (project_id, user_id) DO UPDATE SET {changed}"
    sql = (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 -- names of models
        f"SELECT {', '.join(expressions)} FROM tasks_trashentry e, "
        f"jsonb_array_elements(e.rows -> %s) AS stored, jsonb_populate_record(NULL::{table}, stored) AS r "
        f"WHERE e.id = %s AND {' AND '.join(conditions)} {conflict} RETURNING {quote(model._meta.pk.column)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, label, entry.pk])
        return {row[0] for row in cursor.fetchall()}


def _resolve(field: Any, pks: Collection[Any]) -> set[Any]:
    """Clear a foreign key without other end, or delete its rows and return their keys."""
    model = field.model
    table, pk, column = quote(model._meta.db_table), quote(model._meta.pk.column), quote(field.column)
    where = f"WHERE t.{pk} = ANY({key_array(model)}) AND t.{column} IS NOT NULL AND NOT {_other_end(field, 't')}"
    with connection.cursor() as cursor:
        if field.remote_field.on_delete is SET_NULL:
            cursor.execute(f"UPDATE {table} t SET {column} = NULL {where}", [list(pks)])  # noqa: S608 -- as above
            return set()
        cursor.execute(f"DELETE FROM {table} t {where} RETURNING t.{pk}", [list(pks)])  # noqa: S608 -- as above
        return {row[0] for row in cursor.fetchall()}


def _other_end(field: Any, alias: str) -> str:
    """Return the condition that the row to which a foreign key refers exists."""
    table, pk = quote(field.related_model._meta.db_table), quote(field.target_field.column)
    return f"EXISTS (SELECT 1 FROM {table} x WHERE x.{pk} = {alias}.{quote(field.column)})"  # noqa: S608 -- as above


def _has_deferred_constraint(model: type[Model]) -> bool:
    """Return whether ON CONFLICT is refused: PostgreSQL has none for deferred constraints."""
    return any(getattr(constraint, "deferrable", None) for constraint in model._meta.constraints)


def reattach(entry: TrashEntry, *, excluded: Collection[uuid.UUID] = ()) -> dict[str, list[Any]]:
    """Set the nulled references again; return the changed rows' keys by model label.

    A reference stays null where its row is gone, refers to something else by now or is `excluded`, or where the other
    end did not come back.
    """
    columns: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
    for label, column, pk, value in entry.references:
        if str(pk) not in {str(key) for key in excluded}:
            columns[label, column].append([pk, value])
    changed: dict[str, list[Any]] = defaultdict(list)
    for (label, column), pairs in columns.items():
        try:
            model = apps.get_model(label)
        except LookupError:  # removed by a later release
            continue
        field = next((field for field in foreign_keys(model) if field.column == column), None)
        if field is None:
            continue
        table, pk = quote(model._meta.db_table), quote(model._meta.pk.column)
        other, other_pk = quote(field.related_model._meta.db_table), quote(field.target_field.column)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} t SET {quote(column)} = x.{other_pk} "  # noqa: S608 -- names of models
                f"FROM unnest(%s::text[], %s::text[]) AS v(pk, value) JOIN {other} x ON x.{other_pk}::text = v.value "
                f"WHERE t.{pk}::text = v.pk AND t.{quote(column)} IS NULL RETURNING t.{pk}",
                [[str(pair[0]) for pair in pairs], [str(pair[1]) for pair in pairs]],
            )
            changed[label] += [row[0] for row in cursor.fetchall()]
    return changed


def root_row(entry: TrashEntry) -> dict[str, Any]:
    """Return the stored row of the object itself, without loading all others."""
    label = entry.model_label
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stored FROM tasks_trashentry, jsonb_array_elements(rows -> %s) AS stored "
            "WHERE tasks_trashentry.id = %s AND stored ->> 'id' = %s",
            [label, entry.pk, str(entry.object_id)],
        )
        return dict(json.loads(cursor.fetchone()[0]))


def require_restored(entry: TrashEntry, skipped: dict[str, int]) -> None:
    """Raise Conflict if the object itself could not come back."""
    model = apps.get_model(entry.model_label)
    if not model._default_manager.filter(pk=entry.object_id).exists():
        gone = ", ".join(sorted(skipped)) or "it"
        raise Conflict(
            gettext("What it belonged to was deleted meanwhile (%(gone)s).") % {"gone": gone}, code="parent_deleted"
        )
