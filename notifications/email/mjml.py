"""MJML to HTML. mrml is a tool of those who change e-mails, so nothing that sends imports this file."""

from __future__ import annotations

import re
from pathlib import Path

import mrml

INCLUDE_PATTERN = re.compile(r'<mj-include path="([a-z]+\.mjml)" />')


def list_sources(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/body.mjml"))


def compile_email(source: Path) -> str:
    """Return the HTML of one e-mail; `<mj-include>` names a part in the folder `parts` beside the kinds."""
    output = mrml.to_html(_inline_includes(source), render_options=mrml.RenderOptions(disable_comments=True, fonts={}))
    if output.warnings:
        raise ValueError(f"{source}: {[str(warning.kind) for warning in output.warnings]}")
    return f"{output.content.rstrip()}\n"


def _inline_includes(source: Path) -> str:
    """Put the parts in place as text: mrml's own include forgets how wide the section around it is."""
    parts = source.parents[1] / "includes"
    return INCLUDE_PATTERN.sub(
        lambda found: (parts / found[1]).read_text(encoding="utf-8"), source.read_text(encoding="utf-8")
    )
