"""Validators of text."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

from core.text import is_blank

# Control characters, line separators and bidirectional overrides (Unicode TR 36, section 2.5): with them a name could
# look like other text in an email or a list.
UNSAFE_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def validate_not_blank(value: str) -> None:
    """Check that the value has a visible character. Raises ValidationError."""
    if is_blank(value):
        raise ValidationError("Write something that can be seen.", code="blank")


def validate_single_line(value: str) -> None:
    """Check that the value is one line of visible text. Raises ValidationError."""
    if UNSAFE_CHARACTERS.search(value):
        raise ValidationError("Write one line, without control characters.", code="not_one_line")
    validate_not_blank(value)
