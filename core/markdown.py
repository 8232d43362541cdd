"""Markdown rendered as sanitised HTML."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# With html=False tags are shown as text; nh3 is a second line of defence behind the parser.
_parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}


def render(text: str) -> SafeString:
    """Return sanitised HTML: an allow-list of tags and attributes, http(s) and mailto links, no images."""
    html = nh3.clean(
        _parser.render(text),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        # noopener: a linked page must not navigate the one it was opened from. nofollow: no reward for spam.
        link_rel="nofollow noopener noreferrer",
    )
    return mark_safe(html)  # noqa: S308 -- nh3 has just cleaned it
