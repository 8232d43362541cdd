"""Files that Todoist hides in the text of a note as `[[file {json}]]`."""

from __future__ import annotations

import json
from typing import NamedTuple

OPENING = "[[file "
CLOSING = "]]"
MAX_ATTACHMENTS = 50
DECODER = json.JSONDecoder()


class Attachment(NamedTuple):
    """A file of a note; `url` is empty where the note does not name one."""

    name: str
    url: str


def link_attachments(text: str) -> tuple[str, list[Attachment]]:
    """Return the text with a Markdown link for each attachment, and the attachments.

    A marker without a JSON object or an end stays as it is, and so do those after the first MAX_ATTACHMENTS.
    """
    parts: list[str] = []
    files: list[Attachment] = []
    place = 0
    attempts = 0
    # A marker without an end is searched for its end to the end of the text, so the number of them is bounded.
    while attempts < MAX_ATTACHMENTS and (start := text.find(OPENING, place)) >= 0:
        attempts += 1
        parts.append(text[place:start])
        place = start + len(OPENING)
        try:
            data, end = DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            data, end = None, place
        if not isinstance(data, dict) or not text.startswith(CLOSING, end):
            parts.append(OPENING)
            continue
        place = end + len(CLOSING)
        url = _text(data.get("file_url"))
        file = Attachment(_text(data.get("file_name")) or url or "file", url)
        files.append(file)
        name = file.name.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
        # An address of another scheme, such as javascript:, is shown as text.
        if url.lower().startswith(("https://", "http://")):
            address = url.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
            parts.append(f"[{name}](<{address}>)")
        else:
            parts.append(f"{name} {url}".strip())
    return "".join([*parts, text[place:]]), files


def _text(value: object) -> str:
    """Return a JSON string without the characters that PostgreSQL cannot store: NUL and lone surrogates."""
    text = value if isinstance(value, str) else ""
    # JSON may hold one half of a surrogate pair as an escape, which UTF-8 cannot.
    valid = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return " ".join(valid.replace("\0", "").split())
