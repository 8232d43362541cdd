"""Terms on custom fields: `field.cost>100`, `field.severity:high,low`, `field.reviewer:@me`, `field.note:none`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from core.api.fields import UUID_PATTERN
from tasks.custom_fields.selectors import FieldNames
from tasks.custom_fields.values import FIELD_PREFIX, parse_number_text
from tasks.filters import values
from tasks.filters.conditions import AnyOf, Condition, Leaf
from tasks.filters.syntax_tree import Term, Value
from tasks.filters.values import ONE_DAY, BadTerm, Calendar
from tasks.models import FieldKind
from tasks.models.custom_field import MAX_TEXT_LENGTH
from tasks.projects.selectors import NIL_UUID

COMPARED_KINDS = {FieldKind.NUMBER, FieldKind.DATE}
# A number has six digits after the point.
SMALLEST_NUMBER = Decimal("0.000001")
MAX_NUMBER = Decimal(10) ** 15
TICKED = {"true": True, "yes": True, "false": False, "no": False}


def custom_field_condition(
    term: Term, fields: FieldNames, users: dict[str, UUID], me: UUID, calendar: Calendar
) -> Condition:
    """Return the condition on the fields of a key.

    In several projects these may be of different kinds. A kind that cannot have such a value is passed over, unless none
    can. Raises BadTerm.
    """
    key = term.name.removeprefix(FIELD_PREFIX).lower()
    kinds = fields.kinds.get(key)
    if not kinds:
        hint = values.suggest(key, sorted(fields.kinds)) if fields.kinds else ""
        raise BadTerm(
            "unknown_field",
            (gettext("There is no field “%(key)s” that you can see. %(hint)s") % {"key": key, "hint": hint}).strip(),
            term.start,
        )
    if term.operator == ":" and [value.text.lower() for value in term.values] == ["none"]:
        return Leaf("field_missing", (key,))
    parts: list[Condition] = []
    errors: list[BadTerm] = []
    for kind in sorted(kinds):
        try:
            parts += _conditions(FieldKind(kind), key, term, fields, users | {"me": me}, calendar)
        except BadTerm as error:
            errors.append(error)
    if not parts:
        raise errors[0]
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def _conditions(
    kind: FieldKind, key: str, term: Term, fields: FieldNames, users: dict[str, UUID], calendar: Calendar
) -> list[Condition]:
    if kind not in COMPARED_KINDS and term.operator != ":":
        raise BadTerm("operator", gettext("“%(name)s” takes a colon and values.") % {"name": term.name}, term.start)
    texts = [value.text for value in term.values]
    if kind == FieldKind.NUMBER:
        return [Leaf("field_number", (key, *bounds)) for bounds in values.intervals(term, _number)]
    if kind == FieldKind.DATE:
        return [Leaf("field_date", (key, *bounds)) for bounds in values.intervals(term, lambda v: _day(v, calendar))]
    if kind in {FieldKind.SELECT, FieldKind.MULTI_SELECT}:
        slugs = sorted({slug for value in term.values for slug in _slugs(value, key, fields)})
        return [Leaf("field_option", (key, *slugs))]
    if kind == FieldKind.USER:
        # An unknown handle matches nothing, so that no answer tells of users.
        return [Leaf("field_user", (key, *(_user_id(text.lower().lstrip("@"), users) for text in texts)))]
    if kind == FieldKind.CHECKBOX:
        chosen = [TICKED[name] for name in values.choices(term, list(TICKED))]
        return [Leaf("field_checked" if is_ticked else "field_missing", (key,)) for is_ticked in dict.fromkeys(chosen)]
    for value in term.values:
        if not value.text or len(value.text) > MAX_TEXT_LENGTH:
            raise BadTerm("too_long", f"A text has 1 to {MAX_TEXT_LENGTH:,} characters.", value.start)
    return [Leaf("field_text", (key, text)) for text in texts]


def _number(value: Value) -> tuple[Decimal, Decimal]:
    try:
        number = parse_number_text(value.text)
    except ValueError as error:
        raise BadTerm(
            "invalid_number", gettext("“%(text)s” is no number.") % {"text": value.text}, value.start
        ) from error
    if abs(number) >= MAX_NUMBER:
        raise BadTerm("invalid_number", gettext("A number has at most 15 digits."), value.start)
    return number, number + SMALLEST_NUMBER


def _day(value: Value, calendar: Calendar) -> tuple[Any, Any]:
    day = values.parse_day(value, calendar)
    return day, day + ONE_DAY


def _slugs(value: Value, key: str, fields: FieldNames) -> set[str]:
    if slugs := fields.slugs.get((key, value.text.lower())):
        return slugs
    raise BadTerm(
        "unknown_value",
        gettext("The field “%(key)s” has no option “%(text)s”.") % {"key": key, "text": value.text},
        value.start,
    )


def _user_id(text: str, users: dict[str, UUID]) -> UUID:
    return UUID(text) if UUID_PATTERN.match(text) else users.get(text, NIL_UUID)
