from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.markdown import render

NAMES = "a|blockquote|br|code|em|h[1-6]|hr|li|ol|p|pre|s|strong|table|tbody|td|th|thead|tr|ul"
ALLOWED = re.compile(rf'</?(?:{NAMES})\b(?: (?:href|title|start|rel)="[^"]*")*\s*/?>')
PIECES = ["<script>", "</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "[a]: data:text/html,x", "![i](x)",
          "<svg/onload=x>", "**", "`", "\n\n", "> ", "1. ", "| a | b |\n|---|---|\n", "&#x6a;avascript:", "<!--", "]]>", "\\", "<a href='j",
          "avascript:x'>", "style=", "\x0b", "~~"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** ~~gone~~", "<p><strong>bold</strong> <s>gone</s></p>"),
        ("[a](https://example.com)", '<p><a href="https://example.com" rel="nofollow noopener noreferrer">a</a></p>'),
        ("3. x", '<ol start="3">\n<li>x</li>\n</ol>'),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("![image](https://example.com/x.png)", "<p></p>"),
        ("https://example.com", "<p>https://example.com</p>"),
    ],
)
def test_markdown_becomes_plain_html(text, html):
    assert render(text).strip() == html


@pytest.mark.parametrize(
    "scheme", ["javascript", "JaVaScRiPt", "data", "vbscript", "file", "java\tscript", "&#106;avascript"]
)
def test_unsafe_link_schemes_are_removed(scheme):
    assert "href" not in render(f"[a]({scheme}:alert(1)) <{scheme}:alert(1)>")


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12).map("".join))
def test_only_known_tags_come_out(text):
    rest = ALLOWED.sub("", render(text))

    assert "<" not in rest
