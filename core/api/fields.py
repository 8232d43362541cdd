"""Strict serializer fields: no type coercion, instants with an offset, no unknown fields."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.errors import MAX_FIELD_ERRORS
from core.text import LINE_ENDS, VISIBLE
from core.validators import validate_email_address, validate_no_control_characters, validate_single_line

RFC3339_PATTERN = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
DATE_PATTERN = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
UUID_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE | re.ASCII)
INT4 = 2**31 - 1
# Beyond these years an instant cannot be converted to every time zone.
SUPPORTED_YEARS = range(1000, 9999)


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer of input that rejects unknown fields."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError(
                {
                    str(name): [serializers.ErrorDetail("This field is not known.", "unknown")]
                    for name in sorted(unknown)[:MAX_FIELD_ERRORS]
                }
            )
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """A string as it was sent: a reference, a token or a password."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class TextField(serializers.CharField):
    """Text that people write, in normal form C and with LF as its line ends. Invisible text is blank."""

    # Where a page has an input of one line, which cannot hold line breaks; they become spaces.
    line_break = "\n"

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = unicodedata.normalize("NFC", LINE_ENDS.sub(self.line_break, super().to_internal_value(data)))
        if not self.allow_blank and not VISIBLE.search(text):
            self.fail("blank")
        return text


class TitleField(TextField):
    """A title or label: text of one line."""

    default_validators = [validate_no_control_characters]
    line_break = " "


class SingleLineField(TextField):
    """One line of visible text, like a name."""

    default_validators = [validate_single_line]


class EmailField(serializers.EmailField):
    """An email address, see `validate_email_address`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 254, **options})
        self.validators[-1] = validate_email_address  # in place of that of REST framework


class StrictIntegerField(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": -INT4, "max_value": INT4, **options})

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class StrictBooleanField(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictUUIDField(serializers.UUIDField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not UUID_PATTERN.match(data):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class StrictDateField(serializers.DateField):
    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not DATE_PATTERN.match(value):
            self.fail("invalid", format="YYYY-MM-DD")
        day = super().to_internal_value(value)
        if day.year not in SUPPORTED_YEARS:
            self.fail("invalid", format="YYYY-MM-DD")
        return day


@extend_schema_field(OpenApiTypes.DATETIME)
class StrictDateTimeField(serializers.Field[datetime, Any, str, Any]):
    """An RFC 3339 instant with an offset; stored and returned in UTC."""

    default_error_messages = {"invalid": "Write an RFC 3339 instant with an offset, like 2026-05-04T09:30:00Z."}

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not RFC3339_PATTERN.match(data):
            self.fail("invalid")
        try:
            instant = datetime.fromisoformat(data.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")
        if instant.year not in SUPPORTED_YEARS:
            self.fail("invalid")
        return instant

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class StrictChoiceField(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)
