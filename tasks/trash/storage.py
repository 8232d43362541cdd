"""Stored rows of deleted objects: collected by Django's deletion collector, reinserted by PostgreSQL.

Nothing here knows a feature: what a model's foreign keys say about deletion (`on_delete`) says also how it comes back.
Rows travel as JSON made and read by PostgreSQL itself (`to_jsonb`, `jsonb_populate_record`), so every type of column
round-trips exactly.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.db.models import Field, ForeignKey, Model, QuerySet, Value
from django.db.models.deletion import SET_NULL, Collector
from django.db.models.functions import Cast

from accounts.models import User
from core.errors import Conflict
from tasks.models import Project, TrashEntry

# Of one deletion with all that belongs to it: it is one transaction of one request.
MAX_ROWS = 20_000
MEMBERSHIPS, TEAM_ROLES = "tasks.ProjectMember", "tasks.ProjectTeam"


class BoundedCollector(Collector):
    """Django's collector, which loads every row's key, up to MAX_ROWS."""

    def can_fast_delete(self, objs: Any, from_field: Any = None) -> bool:
        # A fast deletion knows a condition, not the rows.
        return False

    def related_objects(self, related_model: Any, related_fields: Any, objs: Any) -> Any:
        return super().related_objects(related_model, related_fields, objs)[: MAX_ROWS + 1]

    def add(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        added = super().add(objs, *args, **kwargs)
        require_row_count(sum(map(len, self.data.values())))
        return added


def lock_rows(rows: QuerySet[Any, Any]) -> None:
    """Lock rows that are to be collected. Raises Conflict beyond MAX_ROWS."""
    require_row_count(len(rows.select_for_update().order_by("pk").values_list("pk")[: MAX_ROWS + 1]))


def require_row_count(count: int) -> None:
    """Raise Conflict for more rows than one deletion may have."""
    if count > MAX_ROWS:
        raise Conflict(
            f"More than {MAX_ROWS:,} rows belong to this, the most that can be deleted at once. "
            "Delete parts of it first, or archive it.",
            code="too_many_rows",
        )


@dataclass(frozen=True, slots=True)
class Deletion:
    """All that would be deleted with an object, read while its locks are held.

    `rows` are JSON texts by model label, `references` are [model label, column, primary key, value].
    """

    collector: BoundedCollector
    rows: dict[str, str]
    references: str
    row_count: int

    def execute(self) -> None:
        """Delete the rows and set the references to null."""
        self.collector.delete()


def collect(obj: Model) -> Deletion:
    """Read what would be deleted with an object. Raises Conflict beyond MAX_ROWS."""
    collector = BoundedCollector(using=connection.alias)
    collector.collect([obj])
    keys = {model: [row.pk for row in rows] for model, rows in collector.data.items() if rows}
    rows = {model._meta.label: _read_rows(model, pks) for model, pks in keys.items()}
    references: list[str] = []
    for (field, value), querysets in collector.field_updates.items():
        # A row that is itself deleted keeps the value in its stored row.
        deleted = set(keys.get(field.model, ()))
        pks = [row.pk for queryset in querysets for row in cast("Iterable[Model]", queryset) if row.pk not in deleted]
        require_row_count(len(pks))
        if value is None and pks:
            references += _read_references(field, pks)
    return Deletion(
        collector=collector,
        rows=rows,
        references=f"[{', '.join(references)}]",
        row_count=sum(map(len, keys.values())),
    )


def discard(
    deletion: Deletion, *, kind: str, obj: Model, title: str, project: Project | None, actor: User, now: datetime
) -> TrashEntry:
    """Move a collected object into the trash, in the caller's transaction."""
    rows = ", ".join(f'"{label}": {text}' for label, text in deletion.rows.items())
    object_id = obj.pk  # None on the instance once it is deleted
    deletion.execute()
    # An object that was deleted, restored by hand and deleted again replaces its older entry.
    TrashEntry.objects.filter(kind=kind, object_id=object_id).delete()
    return TrashEntry.objects.create(
        kind=kind,
        object_id=object_id,
        title=title[:560],
        project=project,
        deleted_by=actor,
        deleted_at=now,
        purge_at=now + settings.TRASH_RETENTION,
        row_count=deletion.row_count,
        rows=_json(f"{{{rows}}}"),
        references=_json(deletion.references),
    )


def _json(text: str) -> Any:
    return Cast(Value(text, models.TextField()), models.JSONField())


def _columns(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.generated]


def _quote(name: str | None) -> str:
    """Return the quoted name of a table or column."""
    return str(connection.ops.quote_name(str(name)))


def _key_array(model: type[Model]) -> str:
    """Return the placeholder of an array of primary keys."""
    return f"%s::{str(model._meta.pk.db_type(connection)).split()[0]}[]"


def _read_rows(model: type[Model], pks: Collection[Any]) -> str:
    """Return rows as the text of a JSON array, without generated columns."""
    columns = ", ".join(_quote(field.column) for field in _columns(model))
    table, pk = _quote(model._meta.db_table), _quote(model._meta.pk.column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.{pk}), '[]')::text "  # noqa: S608 -- names of models
            f"FROM (SELECT {columns} FROM {table} WHERE {pk} = ANY({_key_array(model)})) AS r",
            [list(pks)],
        )
        return str(cursor.fetchone()[0])


def _read_references(field: Any, pks: Collection[Any]) -> list[str]:
    model = field.model
    table, pk, column = _quote(model._meta.db_table), _quote(model._meta.pk.column), _quote(field.column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT jsonb_build_array(%s::text, %s::text, {pk}, {column})::text "  # noqa: S608 -- names of models
            f"FROM {table} WHERE {pk} = ANY({_key_array(model)})",
            [model._meta.label, field.column, list(pks)],
        )
        return [row[0] for row in cursor.fetchall()]


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
    labels = {field.related_model._meta.label for field in _foreign_keys(model)} - {model._meta.label}
    # Triggers of team roles write memberships (migration 0002): the stored memberships come after and replace them.
    return labels | {TEAM_ROLES} if model._meta.label == MEMBERSHIPS else labels


def _foreign_keys(model: type[Model]) -> Iterator[Any]:
    return (field for field in _columns(model) if isinstance(field, ForeignKey))


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
        later = [field for field in _foreign_keys(model) if field.related_model._meta.label in waiting]
        is_root = model._meta.label == f"tasks.{entry.kind.capitalize()}"
        inserted[model] = _insert(entry, model, later, (overrides or {}) if is_root else {}, is_root=is_root)
        waiting.discard(model._meta.label)
        unchecked += later
    for field in unchecked:
        inserted[field.model] -= _resolve(field, inserted[field.model])
    counts |= {model._meta.label: counts[model._meta.label] - len(pks) for model, pks in inserted.items()}
    return {label: count for label, count in counts.items() if count}


def _insert(
    entry: TrashEntry, model: type[Model], unchecked: Collection[Any], overrides: Mapping[str, Any], *, is_root: bool
) -> set[Any]:
    label, table = model._meta.label, _quote(model._meta.db_table)
    columns, expressions, conditions = [], [], ["true"]
    values: list[Any] = []
    for field in _columns(model):
        column = _quote(field.column)
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
        changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name != _quote("effective_role"))
        conflict = f"ON CONFLICT (project_id, user_id) DO UPDATE SET {changed}"
    sql = (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 -- names of models
        f"SELECT {', '.join(expressions)} FROM tasks_trashentry e, "
        f"jsonb_array_elements(e.rows -> %s) AS stored, jsonb_populate_record(NULL::{table}, stored) AS r "
        f"WHERE e.id = %s AND {' AND '.join(conditions)} {conflict} RETURNING {_quote(model._meta.pk.column)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, label, entry.pk])
        return {row[0] for row in cursor.fetchall()}


def _resolve(field: Any, pks: Collection[Any]) -> set[Any]:
    """Clear a foreign key without other end, or delete its rows and return their keys."""
    model = field.model
    table, pk, column = _quote(model._meta.db_table), _quote(model._meta.pk.column), _quote(field.column)
    where = f"WHERE t.{pk} = ANY({_key_array(model)}) AND t.{column} IS NOT NULL AND NOT {_other_end(field, 't')}"
    with connection.cursor() as cursor:
        if field.remote_field.on_delete is SET_NULL:
            cursor.execute(f"UPDATE {table} t SET {column} = NULL {where}", [list(pks)])  # noqa: S608 -- as above
            return set()
        cursor.execute(f"DELETE FROM {table} t {where} RETURNING t.{pk}", [list(pks)])  # noqa: S608 -- as above
        return {row[0] for row in cursor.fetchall()}


def _other_end(field: Any, alias: str) -> str:
    """Return the condition that the row to which a foreign key refers exists."""
    table, pk = _quote(field.related_model._meta.db_table), _quote(field.target_field.column)
    return f"EXISTS (SELECT 1 FROM {table} x WHERE x.{pk} = {alias}.{_quote(field.column)})"  # noqa: S608 -- as above


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
        field = next((field for field in _foreign_keys(model) if field.column == column), None)
        if field is None:
            continue
        table, pk = _quote(model._meta.db_table), _quote(model._meta.pk.column)
        other, other_pk = _quote(field.related_model._meta.db_table), _quote(field.target_field.column)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} t SET {_quote(column)} = x.{other_pk} "  # noqa: S608 -- names of models
                f"FROM unnest(%s::text[], %s::text[]) AS v(pk, value) JOIN {other} x ON x.{other_pk}::text = v.value "
                f"WHERE t.{pk}::text = v.pk AND t.{_quote(column)} IS NULL RETURNING t.{pk}",
                [[str(pair[0]) for pair in pairs], [str(pair[1]) for pair in pairs]],
            )
            changed[label] += [row[0] for row in cursor.fetchall()]
    return changed
