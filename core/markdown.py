"""Markdown rendered as sanitised HTML. Line breaks are kept; bare URLs and task keys become links.

The work is bounded: texts with more brackets, repeated addresses, table cells, quoted lines or levels than people write
are rendered without links, references, tables, quotes or lists, whose rules take more than linear time and space.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

import nh3
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from core.text import truncate

# Stored with the HTML; a change of the rules below needs a new one.
RENDERER_VERSION = 3
# Longer than any field may be; such a text is shown as it is.
MAX_LENGTH = 100_000
MAX_BRACKETS = 1_000
MAX_TABLE_CELLS = 5_000
# Levels of quotes, times the lines of the text: each quote reads all lines below it to find its end.
MAX_QUOTED_LINES = 10_000
# Of quotes, lists and items; the parser leaves out what lies deeper.
MAX_LEVELS = 20
# A reference ([a]: https://...) repeats its address and title at each use of it, so 50 kB could become 20 MB.
MAX_LINK_LENGTH = 100_000
_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_LINK_PATTERN = re.compile(
    r"(?P<url>https?://[^\s<>\"]+)|(?<![\w/.@#-])(?P<key>[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8})(?![\w-])", re.ASCII
)
# Standards, which look like task keys.
_STANDARDS = {"UTF", "ISO", "SHA", "RFC", "COVID", "CVE", "AES", "RSA", "MD", "PEP", "EN", "DIN", "IEEE", "ES"}
# A link whose address was cut off: only its text remains.
_CUT_LINK = re.compile(r"!?\[([^\[\]]{1,300})(?:\](?:\([^()\s]*)?)?…\Z")
# What may stand before the text of a line in quotes and lists.
_LINE_PREFIX = re.compile(r"[ \t>*+\-.)0-9]*>")
# A task list of GitHub Flavored Markdown (section 5.3).
_CHECKBOX = re.compile(r"\[([ xX])\](?=\s)")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def _draw_checkboxes(state: StateCore) -> None:
    """Show `[ ]` and `[x]` at the beginning of list items as boxes. They are text: nothing can be ticked here."""
    for item, block in zip(state.tokens, state.tokens[2:], strict=False):
        if item.type == "list_item_open" and block.type == "inline" and block.children:
            first = block.children[0]
            if box := _CHECKBOX.match(first.content):
                first.content = ("☐" if box[1] == " " else "☑") + first.content[box.end() :]


def _link_bare_text(state: StateCore) -> None:
    """Turn URLs and task keys in the text outside links and code into links."""
    for block in state.tokens:
        if block.type != "inline" or not block.children:
            continue
        children, depth = [], 0
        for token in block.children:
            depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            children += _split_links(token) if token.type == "text" and not depth else [token]
        block.children = children


def _split_links(token: Token) -> list[Token]:
    parts, end = [], 0
    for match in _LINK_PATTERN.finditer(token.content):
        text = _trim_url(match["url"]) if match["url"] else match["key"]
        if match["key"] and text.partition("-")[0] in _STANDARDS:
            continue
        # The address of a task's page. Whether there is such a task, the page says to those who may see it.
        url = text if match["url"] else f"/tasks/{text}/"
        link = Token("link_open", "a", 1, attrs={"href": _parser.normalizeLink(url)})
        parts += [_text(token.content[end : match.start()]), link, _text(text), Token("link_close", "a", -1)]
        end = match.start() + len(text)
    return [*parts, _text(token.content[end:])] if parts else [token]


def _trim_url(url: str) -> str:
    """Return a URL without the punctuation of the sentence around it; a bracket stays if it was opened inside."""
    while url[-1] in ".,;:!?'*_~" or (url[-1] in _BRACKETS and url.count(url[-1]) > url.count(_BRACKETS[url[-1]])):
        # At most a few: a longer run is no punctuation, and counting the brackets each time would be quadratic.
        if len(url) < 10 or len(url.rstrip(".,;:!?'*_~)]}")) < len(url) - 20:
            break
        url = url[:-1]
    return url


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _link_length(block: Token) -> int:
    """Return the length of the addresses and titles of all links in a block."""
    return sum(len(str(value)) for token in block.children or () for value in token.attrs.values())


def _make_parser(disabled: Sequence[str] = ()) -> MarkdownIt:
    # With html=False tags are shown as text; nh3 is a second line of defence behind the parser.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": MAX_LEVELS}).enable(
        ["table", "strikethrough"]
    )
    parser.disable(list(disabled)).core.ruler.push("checkboxes", _draw_checkboxes)
    parser.core.ruler.push("bare_links", _link_bare_text)
    return parser


_parser = _make_parser()


def render(text: str) -> SafeString:
    """Return sanitised HTML: an allow-list of tags and attributes, http(s) and mailto links, no images."""
    if len(text) > MAX_LENGTH:
        return mark_safe(linebreaks(text, autoescape=True))  # noqa: S308 -- escaped
    lines = text.split("\n")
    disabled = ["link", "image", "reference"] if text.count("[") > MAX_BRACKETS else []
    # A row of a table is filled up to the columns of its head.
    if max(line.count("|") for line in lines) * sum("|" in line for line in lines) > MAX_TABLE_CELLS:
        disabled.append("table")
    quote_levels = max((match[0].count(">") for match in map(_LINE_PREFIX.match, lines) if match), default=0)
    if quote_levels * len(lines) > MAX_QUOTED_LINES:
        disabled.append("blockquote")
    parser = _make_parser(disabled) if disabled else _parser
    tokens = parser.parse(text)
    retried = list(disabled)
    if any(token.level >= MAX_LEVELS - 1 and token.nesting == 1 for token in tokens):
        retried += ["blockquote", "list"]
    if sum(map(_link_length, tokens)) > MAX_LINK_LENGTH:
        retried.append("reference")
    if retried != disabled:
        parser = _make_parser(retried)
        tokens = parser.parse(text)
    html = nh3.clean(
        parser.renderer.render(tokens, parser.options, {}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )
    return mark_safe(html)  # noqa: S308 -- nh3 has just cleaned it


def render_text(text: str) -> str:
    """Return the words of a Markdown text without its marks."""
    return unescape(nh3.clean(render(text), tags=set())).strip()


def render_without_links(text: str) -> SafeString:
    """Return sanitised HTML for emails, where a link could hide its target."""
    return mark_safe(nh3.clean(render(text), tags=_TAGS - {"a"}))  # noqa: S308 -- nh3 has just cleaned it


def rendered_columns(name: str, text: str) -> dict[str, str | int]:
    """Return the columns of a text and of its HTML, rendered when it is written."""
    if not text:
        return {name: "", f"{name}_html": "", f"{name}_html_version": 0}
    return {name: text, f"{name}_html": render(text), f"{name}_html_version": RENDERER_VERSION}


def make_excerpt(text: str, length: int) -> str:
    """Return at most `length` characters of Markdown, without marks whose end was cut off."""
    excerpt = truncate(text, length)
    if excerpt == text:
        return text
    excerpt = _CUT_LINK.sub(r"\1…", excerpt)
    for mark in ("```", "`", "**", "~~", "__"):
        if excerpt.count(mark) % 2:
            before, _, after = excerpt.rpartition(mark)
            excerpt = before + after
    return excerpt


def stored_or_rendered(html: str, version: int, text: str) -> SafeString:
    """Return HTML that was stored by this version of the renderer; render the text if there is none."""
    return mark_safe(html) if version == RENDERER_VERSION else render(text)  # noqa: S308 -- `render` made it
