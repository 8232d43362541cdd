"""Unicode text: normal form, blank text, truncation at graphemes, and characters that must not reach a header."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable
from contextlib import suppress

import regex

# Spaces, controls, format characters and marks without a letter show nothing; neither do the fillers and blanks that
# Unicode counts as letters or symbols: Hangul fillers, the empty braille pattern, the null note head, blank hieroglyphs.
VISIBLE = regex.compile(
    r"[^\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\u115f\u1160\u2800\u3164\uffa0"
    r"\U0001d159\U00013441\U00013442]"
)
LINE_ENDS = regex.compile(r"\r\n?|\n")
_CONTROLS = regex.compile(r"[\p{Z}\p{Cc}\s]+")
# Marks, embeddings, overrides and isolates of text direction (UAX 9).
_BIDI_CONTROLS = regex.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NEEDLESS_QUOTES = regex.compile(r'"([\w!#$%&\'*+/=?^`{|}~-]+(?:\.[\w!#$%&\'*+/=?^`{|}~-]+)*)"')
# The backslash is needed before a quote or another backslash only.
_QUOTED_PAIR = regex.compile(r"\\(.)")
_GRAPHEME = regex.compile(r"\X")


def normalize(text: str) -> str:
    """Return the text in Unicode normal form C with LF as its line ends."""
    return unicodedata.normalize("NFC", LINE_ENDS.sub("\n", text))


def normalize_email(address: str) -> str:
    """Return one spelling for all addresses that reach the same mailbox: lower case, and the domain in normal form.

    The domain is what mail is sent to (IDNA 2003, RFC 3490): full-width letters, soft hyphens and zero-width characters
    are gone, and `xn--` labels are decoded. A domain that IDNA refuses stays as it is.
    """
    local, at, domain = unicodedata.normalize("NFKC", address.strip()).lower().rpartition("@")
    if local.startswith('"'):  # RFC 5321, section 4.1.2: quotes and backslashes are no part of the mailbox's name
        local = _QUOTED_PAIR.sub(lambda pair: pair[0] if pair[1] in '"\\' else pair[1], local)
    if quoted := _NEEDLESS_QUOTES.fullmatch(local):
        local = quoted[1]
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("idna")
    return f"{local}{at}{domain}"


def base_address(email: str) -> str:
    """Return the normal form without a subaddress (RFC 5233), to count emails to one mailbox.

    `ann+1@` and `ann+2@` may have accounts of their own, but most mail servers deliver both to `ann@`.
    """
    local, at, domain = normalize_email(email).rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}"


def is_blank(text: str) -> bool:
    """Return whether the text shows nothing: it is empty, or has spaces and invisible characters alone."""
    return VISIBLE.search(text) is None


def truncate(text: str, length: int) -> str:
    """Return at most `length` characters; a longer text ends at a grapheme (UAX 29) and with an ellipsis."""
    if len(text) <= length:
        return text
    end = 0
    # A grapheme that would end in the last place gives it up to the ellipsis.
    for grapheme in _GRAPHEME.finditer(text, endpos=min(len(text), length + 1)):
        if grapheme.end() > length - 1:
            break
        end = grapheme.end()
    return f"{text[:end].rstrip()}…"


def single_line(text: str) -> str:
    """Return the text for a header: one line, without control characters and controls of its direction."""
    return _CONTROLS.sub(" ", _BIDI_CONTROLS.sub("", text)).strip()


def join_names(names: Iterable[str]) -> str:
    """Return names separated by commas; one that holds a comma or a quote is quoted, as in CSV."""
    return ", ".join('"' + name.replace('"', '""') + '"' if {",", '"'} & set(name) else name for name in names)


def split_names(text: str) -> list[str]:
    """Return the names of `join_names`, each once, without those that show nothing."""
    rows = csv.reader([text.replace("\n", " ").replace("\r", " ")], skipinitialspace=True)
    return list(dict.fromkeys(name.strip() for row in rows for name in row if not is_blank(name)))
