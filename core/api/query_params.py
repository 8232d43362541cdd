"""Query strings without guessing: each parameter is known and given once."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from core.api.fields import UUID_PATTERN

MAX_LIST_LENGTH = 2000
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
    """Split at commas, after bounding the length: DRF's own bound would count the words instead."""
    if len(str(data)) > MAX_LIST_LENGTH:
        raise serializers.ValidationError(f"At most {MAX_LIST_LENGTH} characters.", "max_length")
    return str(serializers.CharField.to_internal_value(field, data)).split(",")


class CommaSeparatedChoiceField(serializers.CharField):
    """Comma-separated words from a closed list; an unknown one is refused."""

    def __init__(self, *, choices: list[str] | None = None, **options: Any) -> None:
        self.words = choices
        listed = f" of: {', '.join(choices)}" if choices else ""
        options.setdefault("help_text", f"Comma-separated{listed}.")
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        found = [word for word in _split_commas(self, data) if word]
        if self.words is not None and (unknown := [word for word in found if word not in self.words]):
            raise serializers.ValidationError(
                f"Not known: {unknown[0]}. Known: {', '.join(self.words)}.", "invalid_choice"
            )
        return found


class CommaSeparatedUUIDField(serializers.CharField):
    """Comma-separated UUIDs; `me` stands for the caller where `me` is allowed, `none` for no one."""

    def __init__(self, *, words: tuple[str, ...] = (), **options: Any) -> None:
        self.allowed = words
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        found = [word.strip().lower() for word in _split_commas(self, data) if word.strip()]
        for word in found:
            if word not in self.allowed and not UUID_PATTERN.match(word):
                raise serializers.ValidationError(f"{word[:40]} is not an id.", "invalid")
        return found


class FieldsQuerySerializer(QuerySerializer):
    """The parameter of endpoints that answer with one thing."""

    fields_ = CommaSeparatedChoiceField(required=False, help_text="Comma-separated names of the fields to answer with.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        return found


@lru_cache(maxsize=100)
def _cached_serializer(kind: type[QuerySerializer]) -> QuerySerializer:
    """One instance of each declaration serves all requests: making one costs more than a question to the database.

    Its run_validation() keeps nothing; is_valid() would.
    """
    return kind()


def parse_query(kind: type[QuerySerializer], parameters: QueryDict) -> dict[str, Any]:
    """Return the validated parameters, or raise a ValidationError that names the parameter."""
    declaration = _cached_serializer(kind)
    problems: dict[str, list[Any]] = {}
    for name, values in parameters.lists():
        if name not in declaration.fields:
            problems[name] = [serializers.ErrorDetail("This parameter is not known.", "unknown")]
        elif len(values) > 1:
            problems[name] = [serializers.ErrorDetail("Give this parameter once.", "repeated")]
        elif _UNSTORABLE.search(values[0]):
            problems[name] = [serializers.ErrorDetail("This text cannot be stored.", "invalid")]
    if problems:
        raise serializers.ValidationError(problems)
    return dict(_validate_cached(kind, tuple(parameters.items())))


@lru_cache(maxsize=500)
def _validate_cached(kind: type[QuerySerializer], given: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """What is asked for is mostly what was asked for before. No declaration looks at the clock."""
    found: dict[str, Any] = _cached_serializer(kind).run_validation(dict(given))
    return found
