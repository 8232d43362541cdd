"""Compile MJML to HTML. Only developers who change emails need mrml, so no module that sends mail imports this one."""

from __future__ import annotations

import re
from pathlib import Path

import mrml

INCLUDE_PATTERN = re.compile(r'<mj-include path="([a-z]+\.mjml)"((?: [a-z_]+="[^"]*")*) />')
VALUE_PATTERN = re.compile(r' ([a-z_]+)="([^"]*)"')
# The same for all emails, so it is a file of its own, which each of them includes.
HEAD_NAME = "head.html"
HEAD_END = "</head>"


def list_sources(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/body.mjml"))


def compile_email(source: Path) -> tuple[str, str]:
    """Return the head that all emails share, and the HTML of one email below it.

    `<mj-include path="x.mjml" name="value" />` inserts includes/x.mjml as text, with the value in place of
    `{{ name }}`; mrml's own include loses the width of the section around it. Raises ValueError when the compiler warns.
    """
    includes = source.parents[1] / "includes"

    def include(match: re.Match[str]) -> str:
        values = dict(VALUE_PATTERN.findall(match[2]))
        text = (includes / match[1]).read_text(encoding="utf-8")
        return re.sub(r"{{ (\w+) }}", lambda name: values.get(name[1], name[0]), text)

    mjml = INCLUDE_PATTERN.sub(include, source.read_text(encoding="utf-8"))
    output = mrml.to_html(mjml, render_options=mrml.RenderOptions(disable_comments=True, fonts={}))
    if output.warnings:
        raise ValueError(f"{source}: {[str(warning.kind) for warning in output.warnings]}")
    head, _, rest = output.content.rstrip().partition(HEAD_END)
    return f"{head}{HEAD_END}\n", f'{{% include "emails/{HEAD_NAME}" %}}{rest}\n'
