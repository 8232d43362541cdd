"""What a name may hold."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

# Controls, separators of lines, and the marks that turn the direction of what follows (Unicode TR 36, section 2.5):
# in a mail or a list, a name could pass for other words with them.
UNSAFE_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def validate_single_line(value: str) -> None:
    """Raise ValidationError for more than one line of visible text."""
    if UNSAFE_CHARACTERS.search(value):
        raise ValidationError("Write one line, without control characters.", code="not_one_line")
