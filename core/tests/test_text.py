from __future__ import annotations

import pytest

from core.text import base_address, is_blank, normalize, normalize_email, single_line, truncate

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
INVISIBLE = [
    "", " ", "\u200b", "\u200b\u200c\u200b", "\ufeff", "\u2060", "\u3164", "\u2800", "\u00ad", "\u200f", "\u3000\u00a0",
    "\u0301", "\u115f", "\uffa0", "\ufe0f", "\U000e0041", "\u2028", "\u180e", "\U0001d159", "\u2066\u2069", "\x1b",
]  # fmt: skip
VISIBLE = ["a", ".", "0", "\u200ba", "牛", "\u0e19", "🚀", FAMILY, "e\u0301", "\u2764\ufe0f", "_", "ㅤㅤx"]


@pytest.mark.parametrize(("texts", "blank"), [(INVISIBLE, True), (VISIBLE, False)], ids=["invisible", "visible"])
def test_blank_text_is_text_that_shows_nothing(texts, blank):
    assert [ascii(text) for text in texts if is_blank(text) is not blank] == []


def test_normal_form_is_nfc_with_lf_line_ends():
    assert normalize("e\u0301\r\nb\rc\n\u1112\u1161\u11ab") == "é\nb\nc\n한"


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("two words", 5, "two…"),
        ("a" * 7 + FAMILY + "b", 10, "a" * 7 + "…"),
        ("a" * 7 + FAMILY, 12, "a" * 7 + FAMILY),
        ("\U0001f1e9\U0001f1ea" * 3, 4, "\U0001f1e9\U0001f1ea…"),
        ("e\u0301" * 5, 4, "e\u0301…"),
        ("a" + "\u0301" * 50, 10, "…"),
    ],
)
def test_truncated_text_ends_at_a_grapheme(text, length, expected):
    assert truncate(text, length) == expected


def test_single_line_has_no_controls_of_lines_or_direction():
    assert single_line("a\r\nBcc: b\x1b[31m\u2028c \u202ed\u2066e\u200f ") == "a Bcc: b [31m c de"


def test_spellings_of_a_domain_are_one_address():
    spellings = [
        "Ann@Example.COM ",
        "ann@\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.com",
        "ann@exam\u00adple.com",
        "ann@exa\u200bmple.com",
        "ann@exa\u2060mple\u3002com",
        "ann@ex\u200dample\uff0ecom",
        "ann@exam\ufe0fple.com",
        '"ann"@example.com',
        '"a\\nn"@example.com',
        '"\\a\\n\\n"@example.com',
    ]
    assert {normalize_email(address) for address in spellings} == {"ann@example.com"}
    assert normalize_email("a@M\u00dcLLER.de") == normalize_email("a@xn--mller-kva.de") == "a@m\u00fcller.de"
    # Not an address, or none that IDNA accepts: left to the validators.
    for text in ("nonsense", r'"a\"b"@a.com', r'"a\\\\n"@a.com', "a@..", f"a@{'x' * 70}.com", "", "@"):
        assert normalize_email(text) == text


def test_base_address_is_that_of_the_mailbox():
    assert {base_address(email) for email in ("Ann+1@a.com", '"ann+x"@a.com', "ann@a.com")} == {"ann@a.com"}
    assert base_address("+1@a.com") == "+1@a.com"
