"""Compile MJML to HTML. Only developers who change emails need mrml, so no module that sends mail imports this one."""

from __future__ import annotations

import re
from pathlib import Path

import mrml

INCLUDE_PATTERN = re.compile(r'<mj-include path="([a-z]+\.mjml)" />')


def list_sources(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/body.mjml"))


def compile_email(source: Path) -> str:
    """Return the HTML of one email; raises ValueError when the compiler warns.

    `<mj-include path="x.mjml" />` inserts includes/x.mjml as text, because mrml's own include loses the width of the
    section around it.
    """
    includes = source.parents[1] / "includes"
    mjml = INCLUDE_PATTERN.sub(
        lambda match: (includes / match[1]).read_text(encoding="utf-8"), source.read_text(encoding="utf-8")
    )
    output = mrml.to_html(mjml, render_options=mrml.RenderOptions(disable_comments=True, fonts={}))
    if output.warnings:
        raise ValueError(f"{source}: {[str(warning.kind) for warning in output.warnings]}")
    return f"{output.content.rstrip()}\n"
