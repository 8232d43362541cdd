"""Schema changes without long locks, however many rows a table has."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid


class ReplaceCheckConstraint(AddConstraintNotValid):
    """Add or replace a check constraint for new and changed rows (NOT VALID).

    For a migration with `atomic = False`, before a `ValidateConstraint`, which checks existing rows without blocking
    reads and writes. Both can be run again after an interruption.
    """

    # The table is at no moment without a check, although the migration has no transaction.
    atomic = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Replace the constraint of this name in the state of the migrations."""
        if self._same_name_constraints(app_label, state):
            # The migration state would otherwise hold two constraints of one name.
            state.remove_constraint(app_label, self.model_name_lower, self.constraint.name)
        super().state_forwards(app_label, state)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        # Dropped first, and IF EXISTS, so that the operation can follow its own interruption.
        self._drop(app_label, schema_editor, from_state)
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._drop(app_label, schema_editor, from_state)
        # What the earlier migration had under this name comes back, as a validated constraint.
        model = to_state.apps.get_model(app_label, self.model_name)
        for constraint in self._same_name_constraints(app_label, to_state):
            schema_editor.add_constraint(model, constraint)

    def _drop(self, app_label: str, schema_editor: Any, state: Any) -> None:
        """Drop the constraint, if the table has it; an interrupted run may have dropped it already."""
        table = state.apps.get_model(app_label, self.model_name)._meta.db_table
        table, name = schema_editor.quote_name(table), schema_editor.quote_name(self.constraint.name)
        # Django's own operation would fail where an interrupted run has dropped it already.
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")

    def _same_name_constraints(self, app_label: str, state: Any) -> list[Any]:
        constraints = state.models[app_label, self.model_name_lower].options["constraints"]
        return [constraint for constraint in constraints if constraint.name == self.constraint.name]
