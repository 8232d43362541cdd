"""Values of custom fields: from what callers write to what rows hold, and back to JSON.

As JSON a value is a text, a number, a day (`2026-05-04`), the slug of an option or a list of slugs, the id of a user, or
true and false. Null is no value; a checkbox without one is false.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from core.api.fields import DATE_PATTERN, SUPPORTED_YEARS, UUID_PATTERN
from core.errors import Invalid
from core.text import is_blank, normalize
from core.validators import UNSAFE_CHARACTERS
from tasks.models import CustomField, CustomFieldOption, CustomFieldValue, FieldKind
from tasks.models.custom_field import MAX_TEXT_LENGTH

# Of the names of custom fields where those of a task stand beside them: in filters, orders and changes.
FIELD_PREFIX = "field."
# Every JSON parser reads so many digits exactly (IEEE 754 double precision).
MAX_DIGITS, MAX_DECIMAL_PLACES = 15, 6


@dataclass(slots=True, kw_only=True)
class TaskField:
    """A field of a project with its options, and the value of one task.

    `user_name` is the name of the user in a person field.
    """

    field: CustomField
    position: int = 0
    options: Sequence[CustomFieldOption] = ()
    value: Any = None
    user_name: str = ""

    @property
    def day(self) -> date | None:
        """Value of a date field."""
        return date.fromisoformat(self.value) if self.field.kind == FieldKind.DATE and self.value else None

    @property
    def option_names(self) -> list[str]:
        """Names of the chosen options, in the order of the options."""
        slugs = self.value if isinstance(self.value, list) else [self.value]
        return [option.name for option in self.options if option.slug in slugs]


@dataclass(frozen=True, slots=True)
class TaskValues:
    """Values of a task by the keys of its fields, and its version."""

    fields: Mapping[str, Any]
    version: int


def parse_value(task_field: TaskField, data: Any) -> Any:
    """Return the value as it is stored and shown; None for none. Raises Invalid, which names the field."""
    definition = task_field.field
    if data is None or (definition.kind == FieldKind.MULTI_SELECT and data == []):
        return False if definition.kind == FieldKind.CHECKBOX else None
    try:
        return PARSERS[FieldKind(definition.kind)](task_field, data)
    except ValueError as error:
        raise Invalid.field(f"fields.{definition.key}", f"{definition.name}: {error}") from error


def _parse_text(_: TaskField, data: Any) -> str:
    if not isinstance(data, str) or is_blank(data):
        raise ValueError("write a text, or null to clear it.")
    text = normalize(data.strip())
    if len(text) > MAX_TEXT_LENGTH:
        raise ValueError(f"at most {MAX_TEXT_LENGTH:,} characters.")
    return text


def _parse_url(task_field: TaskField, data: Any) -> str:
    text = _parse_text(task_field, data)
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = None
    # Other schemes, like javascript:, would run when the link is followed.
    is_url = parts and parts.scheme in {"http", "https"} and parts.hostname
    if not is_url or UNSAFE_CHARACTERS.search(text) or " " in text:
        raise ValueError("write an address that begins with https:// or http://.")
    return text


def _parse_number(_: TaskField, data: Any) -> int | float:
    if isinstance(data, bool) or not isinstance(data, int | float | Decimal):
        raise ValueError("write a number.")
    return canonical_number(Decimal(str(data)))


def parse_number_text(text: str) -> Decimal:
    """Return the number of a text, as forms and filters have it. Raises ValueError."""
    try:
        # Python reads the digits of every script, and infinity.
        number = Decimal(text) if text.isascii() and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError("write a number, like 12.5.")
    return number


def canonical_number(number: Decimal) -> int | float:
    """Return a number as JSON shows it. Raises ValueError beyond its digits."""
    if number == 0:
        return 0
    # From the digits, never by arithmetic: 1e999999 would take a gigabyte.
    _, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)
    if len(digits) + max(exponent, 0) > MAX_DIGITS or -exponent > MAX_DECIMAL_PLACES:
        raise ValueError(f"at most {MAX_DIGITS} digits, {MAX_DECIMAL_PLACES} of them after the point.")
    return int(number) if exponent >= 0 else float(number)


def _parse_date(_: TaskField, data: Any) -> str:
    try:
        day = date.fromisoformat(data) if isinstance(data, str) and DATE_PATTERN.match(data) else None
    except ValueError:
        day = None
    if day is None or day.year not in SUPPORTED_YEARS:
        raise ValueError("write a day, like 2026-05-04.")
    return day.isoformat()


def _parse_option(task_field: TaskField, data: Any) -> str:
    return find_option(task_field.options, data).slug


def _parse_options(task_field: TaskField, data: Any) -> list[str]:
    if not isinstance(data, list | tuple):
        raise ValueError("write a list of options.")
    # A bound before the loop; a list has each option once at most.
    if len(data) > len(task_field.options):
        raise ValueError(f"at most {len(task_field.options)} options.")
    chosen = {find_option(task_field.options, item).slug for item in data}
    return [option.slug for option in task_field.options if option.slug in chosen]


def find_option(options: Iterable[CustomFieldOption], data: Any) -> CustomFieldOption:
    """Return the option of this slug, id or name. Raises ValueError, which lists the slugs."""
    listed = list(options)
    if isinstance(data, str):
        lower = normalize(data).strip().lower()
        tests: tuple[Callable[[CustomFieldOption], bool], ...] = (
            lambda option: option.slug == lower,
            lambda option: str(option.pk) == lower,
            lambda option: option.name.lower() == lower,
        )
        for test in tests:
            if option := next(filter(test, listed), None):
                return option
    known = ", ".join(option.slug for option in listed[:20]) + (" and others" if len(listed) > 20 else "")
    raise ValueError(f"choose one of: {known}." if listed else "it has no options yet.")


def _parse_user(_: TaskField, data: Any) -> str:
    if not isinstance(data, str) or not UUID_PATTERN.match(data):
        raise ValueError("write the id of a member of the project.")
    return str(uuid.UUID(data))


def _parse_checkbox(_: TaskField, data: Any) -> bool:
    if not isinstance(data, bool):
        raise ValueError("write true or false.")
    return data


PARSERS: dict[FieldKind, Callable[[TaskField, Any], Any]] = {
    FieldKind.TEXT: _parse_text,
    FieldKind.NUMBER: _parse_number,
    FieldKind.DATE: _parse_date,
    FieldKind.SELECT: _parse_option,
    FieldKind.MULTI_SELECT: _parse_options,
    FieldKind.USER: _parse_user,
    FieldKind.URL: _parse_url,
    FieldKind.CHECKBOX: _parse_checkbox,
}


def value_rows(task_id: uuid.UUID, task_field: TaskField, value: Any) -> list[CustomFieldValue]:
    """Return the rows that hold a parsed value, not saved yet; none for no value."""
    if (value in (None, False, []) and value != 0) or value is False:
        return []
    definition, kind = task_field.field, FieldKind(task_field.field.kind)
    ids = {option.slug: option.pk for option in task_field.options}
    columns: list[dict[str, Any]]
    if kind == FieldKind.MULTI_SELECT:
        columns = [{"option_id": ids[slug]} for slug in value]
    elif kind == FieldKind.SELECT:
        columns = [{"option_id": ids[value]}]
    elif kind == FieldKind.NUMBER:
        columns = [{"number": Decimal(str(value))}]
    elif kind == FieldKind.DATE:
        columns = [{"date": date.fromisoformat(value)}]
    elif kind == FieldKind.USER:
        columns = [{"user_id": uuid.UUID(value)}]
    else:
        columns = [{"checked": True} if kind == FieldKind.CHECKBOX else {"text": value}]
    return [CustomFieldValue(task_id=task_id, field=definition, kind=kind, **column) for column in columns]


def read_value(definition: CustomField, rows: Sequence[dict[str, Any]], options: Sequence[CustomFieldOption]) -> Any:
    """Return the JSON value of the stored rows of one task and field."""
    kind = FieldKind(definition.kind)
    if kind == FieldKind.CHECKBOX:
        return bool(rows)
    if not rows:
        return None
    if kind == FieldKind.MULTI_SELECT:
        chosen = {row["option"] for row in rows}
        return [option.slug for option in options if str(option.pk) in chosen]
    row = rows[0]
    if kind == FieldKind.SELECT:
        return next((option.slug for option in options if str(option.pk) == row["option"]), None)
    if kind == FieldKind.NUMBER:
        return canonical_number(Decimal(row["number"]))
    return row[{FieldKind.DATE: "date", FieldKind.USER: "user"}.get(kind, "text")]
