"""Strict query strings: each parameter is declared, and occurs once unless it is a list of names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from core.api.fields import UUID_PATTERN, TextField
from core.errors import Invalid

MAX_LIST_LENGTH = 2000
MAX_REPEATED = 20
INTEGER_PATTERN = re.compile(r"-?[0-9]{1,10}\Z")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff\ufffd]")


class QuerySerializer(serializers.Serializer[Any]):
    """The parameters of one endpoint; an unknown, repeated or unstorable one is a 400."""


class IntegerQueryField(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if not INTEGER_PATTERN.match(str(data)):
            self.fail("invalid")
        return int(data)


class BooleanQueryField(serializers.ChoiceField):
    """`true` or `false`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=["true", "false"], **options)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(data) == "true"


def _split_commas(field: serializers.CharField, data: Any) -> list[str]:
    """Split at commas, after bounding the length. DRF's own bound would count the values instead."""
    if len(str(data)) > MAX_LIST_LENGTH:
        raise serializers.ValidationError(f"At most {MAX_LIST_LENGTH} characters.", "max_length")
    return str(serializers.CharField.to_internal_value(field, data)).split(",")


class CommaSeparatedChoiceField(serializers.CharField):
    """Comma-separated choices; an unknown one is rejected."""

    def __init__(self, *, choices: list[str] | None = None, **options: Any) -> None:
        self.choices = choices
        listed = f" of: {', '.join(choices)}" if choices else ""
        options.setdefault("help_text", f"Comma-separated{listed}.")
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        values = [value for value in _split_commas(self, data) if value]
        if self.choices is not None and (unknown := [value for value in values if value not in self.choices]):
            raise serializers.ValidationError(
                f"Not known: {unknown[0]}. Known: {', '.join(self.choices)}.", "invalid_choice"
            )
        return values


class CommaSeparatedUUIDField(serializers.CharField):
    """Comma-separated UUIDs and the keywords that are allowed beside them, like `me` and `none`."""

    def __init__(self, *, keywords: tuple[str, ...] = (), **options: Any) -> None:
        self.keywords = keywords
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        values = [value.strip().lower() for value in _split_commas(self, data) if value.strip()]
        for value in values:
            if value not in self.keywords and not UUID_PATTERN.match(value):
                raise serializers.ValidationError(f"{value[:40]} is not an id.", "invalid")
        return values


class RepeatedTextField(serializers.ListField):
    """Names that may hold commas: the parameter is repeated, once for each."""

    def __init__(self, *, max_name_length: int, **options: Any) -> None:
        super().__init__(child=TextField(max_length=max_name_length), max_length=MAX_REPEATED, **options)


class FieldsQuerySerializer(QuerySerializer):
    """The parameter of endpoints that return one object."""

    fields_ = CommaSeparatedChoiceField(required=False, help_text="Comma-separated names of the fields to answer with.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        # A class attribute `fields` would hide the property of that name that every serializer has.
        fields["fields"] = fields.pop("fields_")
        return fields


@lru_cache(maxsize=100)
def _cached_serializer(kind: type[QuerySerializer]) -> QuerySerializer:
    """Return the one instance of a serializer: making one costs more than a database query.

    Its run_validation() keeps no state; is_valid() would.
    """
    return kind()


def parse_query(kind: type[QuerySerializer], parameters: QueryDict) -> dict[str, Any]:
    """Return the validated parameters. Raises ValidationError, which names the parameter."""
    serializer = _cached_serializer(kind)
    errors: dict[str, list[Any]] = {}
    for name, values in parameters.lists():
        if name not in serializer.fields:
            errors[name] = [serializers.ErrorDetail("This parameter is not known.", "unknown")]
        elif len(values) > 1 and not isinstance(serializer.fields[name], RepeatedTextField):
            errors[name] = [serializers.ErrorDetail("Give this parameter once.", "repeated")]
        elif any(map(_UNSTORABLE.search, values)):
            errors[name] = [serializers.ErrorDetail("This text cannot be stored.", "invalid")]
    if errors:
        raise serializers.ValidationError(errors)
    # A copy: the cached result is shared, and the caller may change what it gets.
    repeatable = {name for name, field in serializer.fields.items() if isinstance(field, RepeatedTextField)}
    items = ((name, tuple(values) if name in repeatable else values[0]) for name, values in parameters.lists())
    return dict(_validate_cached(kind, tuple(items)))


@lru_cache(maxsize=500)
def _validate_cached(
    kind: type[QuerySerializer], parameters: tuple[tuple[str, str | tuple[str, ...]], ...]
) -> dict[str, Any]:
    """Validate parameters, which repeat often. No serializer depends on the time."""
    validated: dict[str, Any] = _cached_serializer(kind).run_validation(dict(parameters))
    return validated


def select_fields(row: dict[str, Any], fields: Iterable[str] | None) -> dict[str, Any]:
    """Keep only the named fields; an unknown name raises Invalid."""
    if fields is None:
        return row
    names = list(fields)
    if unknown := [name for name in names if name not in row]:
        raise Invalid.field("fields", f"Not known: {unknown[0]}. Known: {', '.join(row)}.", "invalid_choice")
    return {name: row[name] for name in names}
