"""Validators of text."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext

from core.text import is_blank, normalize_email

# Control characters, line separators and bidirectional overrides (Unicode TR 36, section 2.5): with them a name could
# look like other text in an email or a list.
UNSAFE_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

# In a title, also where text of other directions may stand: all controls but the tab.
CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")

# A dot-atom at a host name of two labels or more (RFC 5321, section 4.1.2). Not there: quoted names, address literals,
# numbers as the last label, and `localhost` (RFC 6761, section 6.3), which would deliver mail to the server itself.
_EMAIL_ADDRESS = re.compile(
    r"(?=[^@]{1,64}@)[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*"
    r"@(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?!localhost\Z)[a-z]([a-z0-9-]{0,61}[a-z0-9])\Z",
    re.ASCII,
)


def validate_email_address(value: str) -> None:
    """Check that the value is an email address at a public host name. Raises ValidationError.

    This is the one rule for addresses, wherever they come in. The normal form has to hold it too: it is what is stored
    and what mail is sent to.
    """
    validate_email(value)
    local, _, domain = normalize_email(value).rpartition("@")
    try:
        is_valid = '"' not in value and _EMAIL_ADDRESS.match(f"{local}@{domain.encode('idna').decode()}")
    except UnicodeError:
        is_valid = None
    if not is_valid:
        raise ValidationError(gettext("Enter a valid email address."), code="invalid")


def validate_not_blank(value: str) -> None:
    """Check that the value has a visible character. Raises ValidationError."""
    if is_blank(value):
        raise ValidationError(gettext("Write something that can be seen."), code="blank")


def validate_no_control_characters(value: str) -> None:
    """Check that the value has no control characters, such as ESC. Raises ValidationError."""
    if CONTROL_CHARACTERS.search(value):
        raise ValidationError(gettext("Write text without control characters."), code="control_character")


def validate_single_line(value: str) -> None:
    """Check that the value is one line of visible text. Raises ValidationError."""
    if UNSAFE_CHARACTERS.search(value):
        raise ValidationError(gettext("Write one line, without control characters."), code="not_one_line")
    validate_not_blank(value)
