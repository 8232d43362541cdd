from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.markdown import MAX_LENGTH, make_excerpt, render, render_text, render_without_links

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
        ("- [ ] Milk\n- [x] Bread\n- [y] no", "<ul>\n<li>☐ Milk</li>\n<li>☑ Bread</li>\n<li>[y] no</li>\n</ul>"),
        ("[ ] no item", "<p>[ ] no item</p>"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("![image](https://example.com/x.png)", "<p></p>"),
        ("Milk\nBread\nEggs", "<p>Milk<br>\nBread<br>\nEggs</p>"),
        ("`https://a.example OPS-1`", "<p><code>https://a.example OPS-1</code></p>"),
        ("UTF-8, SHA-256, a-OPS-1, /OPS-1, OPS-01, ops-1", "<p>UTF-8, SHA-256, a-OPS-1, /OPS-1, OPS-01, ops-1</p>"),
        ("javascript:alert(1) ftp://a.example", "<p>javascript:alert(1) ftp://a.example</p>"),
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


@pytest.mark.parametrize(
    ("text", "href", "label"),
    [
        ("See https://example.org/list.", "https://example.org/list", "https://example.org/list"),
        ("(https://example.org/a_(b))", "https://example.org/a_(b)", "https://example.org/a_(b)"),
        ("**http://a.example/?q=1&r=2**", "http://a.example/?q=1&amp;r=2", "http://a.example/?q=1&amp;r=2"),
        ("https://例え.example/パス", "https://xn--r8jz45g.example/%E3%83%91%E3%82%B9", "https://例え.example/パス"),
        ("Like OPS-42, but", "/tasks/OPS-42/", "OPS-42"),
        ("牛奶OPS-7。", "/tasks/OPS-7/", "OPS-7"),
    ],
)
def test_bare_url_or_task_key_is_a_link(text, href, label):
    html = str(render(text))

    assert f'<a href="{href}" rel="nofollow noopener noreferrer">{label}</a>' in html
    assert html.count("<a ") == 1


def test_link_keeps_the_text_its_author_gave():
    html = str(render("[OPS-1 at https://a.example](https://b.example)"))

    assert html.count("<a ") == 1
    assert ">OPS-1 at https://a.example</a>" in html


HOSTILE = ["[", "![", "[a](", "[a][", "*a _b ", "**a", "~~a ", "`", "<a ", "&", "> ", "- ", "| a ", "|-", "https://a.b/))))", "OPS-1 ",
           "https://a.b/(", "[a]: b\n", "1. ", "```\n", "\\", "]("]  # fmt: skip


def test_render_text_keeps_words_and_drops_marks():
    assert render_text("**Look** at `a<b>`\nand [this](https://a.example) & OPS-1") == "Look at a<b>\nand this & OPS-1"
    assert render_text("") == ""


def test_render_without_links_leaves_no_way_to_hide_a_target():
    html = render_without_links('**Pay** [here](https://a.example "x>y<img src=z>") or https://b.example, <b>now</b>')

    assert html == "<p><strong>Pay</strong> here or https://b.example, &lt;b&gt;now&lt;/b&gt;</p>\n"


def count_calls(text: str) -> int:
    """Return the number of Python function calls that rendering takes: work, whatever the machine does besides."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        render(text)
    finally:
        sys.setprofile(None)
    return calls


# What stands once above the fragment.
HOSTILE_SHAPES = {
    **{fragment: ("", fragment) for fragment in HOSTILE},
    "lines in many quotes": (">" * 100 + "a\n", "b\n"),
    "lines in few quotes": (">> a\n", "b\n"),
    "lines in quotes and lists": ("- > " * 9 + "a\n", "b\n"),
    "lines in lists": ("- " * 100 + "a\n", "b\n"),
    "lines of many quotes": ("", ">" * 100 + "a\n"),
    "lines of many lists": ("", "- " * 50 + "a\n"),
    "quotes and lists": ("", ">\t- 1. "),
}


@pytest.mark.parametrize("shape", [*HOSTILE_SHAPES, "table"], ids=ascii)
def test_work_grows_no_faster_than_the_text(shape):
    def text_of(size: int) -> str:
        if shape == "table":  # many columns, and rows that leave them out
            return "|" + "a|" * (size // 8) + "\n|" + "-|" * (size // 8) + "\n" + "|a\n" * (size // 6)
        start, fragment = HOSTILE_SHAPES[shape]
        return (start + fragment * size)[:size]

    small, large = count_calls(text_of(10_000)), count_calls(text_of(20_000))

    assert large < 2.2 * small + 2_000
    assert large < 60 * 20_000
    assert len(render(text_of(20_000))) < 20 * 20_000


def test_text_below_many_levels_is_shown_and_not_left_out(subtests):
    for text in (">" * 30 + "words", "- " * 30 + "words", "> - " * 15 + "words", ">" * 9 + "\n" * 5_000 + "words"):
        with subtests.test(text[:9]):
            assert "words" in render(text)
    assert render(">" * 9 + "words").count("<blockquote>") == 9
    assert render("> words\n" * 500).count("<blockquote>") == 1


def test_text_longer_than_any_field_is_shown_as_it_is():
    html = render("**<b>**\n" * (MAX_LENGTH // 8 + 1))

    assert html.startswith("<p>**&lt;b&gt;**<br>**&lt;b&gt;**<br>")


@pytest.mark.parametrize("definition", ["[a]: https://a.example/{}", "[a]: <{}>", '[a]: b "{}"', "[a]: b '{}'"])
def test_reference_used_often_does_not_multiply_its_address(definition):
    html = render(definition.format("x" * 15_000) + "\n\n" + "[a]" * 900)

    assert len(html) < 20 * 20_000


def test_reference_used_twice_is_a_link():
    assert render("[a]: https://a.example\n\n[a] [a]").count('<a href="https://a.example"') == 2


def test_excerpt_has_no_mark_whose_end_was_cut_off(subtests):
    cases = {
        "short **text**": "short **text**",
        "a **bold text that goes on": "a bold text that…",
        "a `code that goes on and on": "a code that goes o…",
        "see [the page](https://example.com/x)": "see the page…",
        "**b** and ~~gone for ever~~": "**b** and gone fo…",
    }
    for text, excerpt in cases.items():
        with subtests.test(text):
            assert make_excerpt(text, 20) == excerpt
