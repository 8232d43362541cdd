"""Files that Todoist hides in the text of a note as `[[file {json}]]`."""

from __future__ import annotations

import json
from typing import NamedTuple

OPENING = "[[file "
CLOSING = "]]"
DECODER = json.JSONDecoder()


class Attachment(NamedTuple):
    name: str
    url: str


def link_attachments(text: str) -> tuple[str, list[Attachment]]:
    """Return the text with a Markdown link for each attachment, and the attachments.

    A marker without a JSON object or an end stays as it is.
    """
    parts: list[str] = []
    files: list[Attachment] = []
    place = 0
    while (start := text.find(OPENING, place)) >= 0:
        end, file = _parse_attachment(text, start + len(OPENING))
        parts.append(text[place:start])
        parts.append(_link(file) if file else text[start:end])
        files += [file] if file else []
        place = end
    return "".join([*parts, text[place:]]), files


def _parse_attachment(text: str, start: int) -> tuple[int, Attachment | None]:
    try:
        described, end = DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return start, None
    if not isinstance(described, dict) or not text.startswith(CLOSING, end):
        return start, None
    url = _text(described.get("file_url"))
    return end + len(CLOSING), Attachment(_text(described.get("file_name")) or url or "file", url)


def _text(value: object) -> str:
    """Return a JSON string without the characters that PostgreSQL cannot store: NUL and lone surrogates."""
    text = value if isinstance(value, str) else ""
    valid = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return " ".join(valid.replace("\0", "").split())


def _link(file: Attachment) -> str:
    name = file.name.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    if not file.url.lower().startswith(("https://", "http://")):
        return f"{name} {file.url}".strip()
    address = file.url.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
    return f"[{name}](<{address}>)"
