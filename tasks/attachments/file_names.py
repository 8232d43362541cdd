"""Names of uploaded files as they are kept. They are shown and sent as headers; no path is ever made of one."""

from __future__ import annotations

import re
import unicodedata

from django.utils.translation import gettext

from core.text import is_blank
from tasks.attachments.errors import FileRefused

MAX_NAME_LENGTH = 200
# Characters that no file name of Windows may have, and so none that a user downloads.
_RESERVED_CHARACTERS = re.compile(r'[<>:"|?*]')
# Devices of Windows, whatever the extension.
_RESERVED_NAMES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)
# Control, format (also those that change the direction of text), surrogate, private and unassigned characters, and line ends.
_REMOVED_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean_name(name: str) -> str:
    """Return the last part of a path as a name that is safe to show. Raises FileRefused.

    The extension is kept, since it decides the type of the file.
    """
    # A path of any system: some browsers of the past sent the whole one.
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(character for character in last if unicodedata.category(character) not in _REMOVED_CATEGORIES)
    cleaned = " ".join(_RESERVED_CHARACTERS.sub("_", visible).split()).strip(" .")
    if last.lstrip().startswith(".") and cleaned:
        cleaned = f"_{cleaned}"  # hidden files, such as .htaccess, become visible ones
    if _RESERVED_NAMES.match(cleaned):
        cleaned = f"_{cleaned}"
    if is_blank(cleaned):
        raise FileRefused(gettext("The file has no name."), "invalid_name")
    if len(cleaned) > MAX_NAME_LENGTH:
        stem, point, extension = cleaned.rpartition(".")
        keeps_extension = stem and len(extension) <= 20
        tail = f"…{point}{extension}" if keeps_extension else "…"
        cleaned = (stem if keeps_extension else cleaned)[: MAX_NAME_LENGTH - len(tail)].rstrip() + tail
    return cleaned
