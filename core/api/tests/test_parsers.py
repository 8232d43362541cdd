"""The strict JSON parser and its limits. Rejected bodies of the API are in tests/validation."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from core.api.parsers import MAX_DEPTH, StrictJSONParser

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def parse(body, media_type="application/json"):
    return StrictJSONParser().parse(io.BytesIO(body), media_type, {})


@given(st.dictionaries(TEXT, VALUES, max_size=4), st.booleans())
def test_json_objects_round_trip(value, ascii_only):
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_parsed_or_rejected(body):
    try:
        data = parse(body)
    except ParseError:
        return
    assert isinstance(data, dict)


@pytest.mark.parametrize(("depth", "fine"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_depth_is_limited(depth, fine):
    body = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    if fine:
        assert list(parse(body)) == ["a"]
    else:
        with pytest.raises(ParseError, match="nested"):
            parse(body)


@pytest.mark.parametrize("text", ["[" * 100, '"' + "[" * 100, "\\" * 3, '\\"[' * 50, "}" * 100])
def test_brackets_in_strings_are_text(text):
    assert parse(json.dumps({"a": text}).encode()) == {"a": text}


@pytest.mark.parametrize(
    "media", ["application/json", 'application/json; charset="UTF-8"', "application/json;charset=utf8"]
)
def test_utf8_charset_is_accepted(media):
    assert parse(b'{"a": "\xc3\xa4"}', media) == {"a": "ä"}


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-7", "x", "utf-8-sig"])
def test_other_charset_is_rejected(charset):
    with pytest.raises(UnsupportedMediaType):
        parse(b"{}", f"application/json; charset={charset}")


@pytest.mark.parametrize(("digits", "fine"), [("9" * 19, True), ("-" + "9" * 18, True), ("9" * 20, False)])
def test_numbers_have_at_most_nineteen_digits(digits, fine):
    body = b'{"a":' + digits.encode() + b"}"

    if fine:
        assert parse(body) == {"a": int(digits)}
    else:
        with pytest.raises(ParseError, match="digits"):
            parse(body)
