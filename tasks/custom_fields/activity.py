"""Changes of custom fields as text, for the activity of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import formats
from django.utils.dateparse import parse_date
from django.utils.translation import gettext

from core.api.fields import UUID_PATTERN
from core.text import truncate
from tasks.custom_fields.values import FIELD_PREFIX, TaskField
from tasks.models import FieldKind

MAX_VALUE_LENGTH = 60


def user_ids(changes: Mapping[str, Any]) -> set[str]:
    """Return what may be ids of users in changes of person fields."""
    values = [value for name, change in changes.items() if name.startswith(FIELD_PREFIX) for value in change]
    return {value for value in values if isinstance(value, str) and UUID_PATTERN.match(value)}


def change_text(
    name: str, old: Any, new: Any, field: TaskField | None, user_names: Mapping[str, str]
) -> tuple[str, str, str]:
    """Return a change as text, and the values before and after where both are shown.

    `name` is the name of the change, `field.<key>`; a field that was deleted since is called by its key.
    """
    label = field.field.name if field else name.removeprefix(FIELD_PREFIX).replace("_", " ")
    if isinstance(new, bool):
        return (gettext("ticked %(field)s") if new else gettext("unticked %(field)s")) % {"field": label}, "", ""
    if new is None:
        return gettext("cleared %(field)s") % {"field": label}, "", ""
    if old is None:
        values = {"field": label, "value": _display(new, field, user_names)}
        return gettext("set %(field)s to %(value)s") % values, "", ""
    sentence = gettext("changed %(field)s") % {"field": label}
    return sentence, _display(old, field, user_names), _display(new, field, user_names)


def _display(value: Any, field: TaskField | None, user_names: Mapping[str, str]) -> str:
    if isinstance(value, list):
        return ", ".join(_display(item, field, user_names) for item in value)
    text = str(value)
    if UUID_PATTERN.match(text):
        return user_names.get(text, gettext("someone"))
    kind = field.field.kind if field else ""
    if kind == FieldKind.DATE and (day := parse_date(text)):
        return str(formats.date_format(day, gettext("j M Y")))
    names = {option.slug: option.name for option in field.options} if field else {}
    return truncate(names.get(text, text), MAX_VALUE_LENGTH)
