"""Byte ranges against slices."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from core.http.byte_ranges import RangeNotSatisfiable, requested_range

ETAG = '"a"'
positions = st.none() | st.integers(0, 30)


def select(header, total, **headers):
    request = RequestFactory().get("/", headers={"Range": header, **headers})
    return requested_range(request, total=total, etag=ETAG)


@given(first=positions, last=positions, total=st.integers(0, 20))
def test_range_selects_the_bytes_of_rfc_9110(first, last, total):
    content = bytes(range(total))
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None and last is None:
        expected = content
    elif first is None:
        expected = content[max(0, total - last) :] if last else b""
    elif last is not None and last < first:
        expected = content  # no valid range: the whole
    else:
        expected = content[first : total if last is None else last + 1]

    try:
        part = select(header, total)
    except RangeNotSatisfiable:
        assert expected == b""
        return
    if part is None:
        assert expected == content
    else:
        assert content[part.start : part.start + part.size] == expected
        assert part.content_range(total) == f"bytes {part.start}-{part.start + len(expected) - 1}/{total}"


@given(st.text(max_size=40))
def test_header_of_any_text_is_no_error(text):
    try:
        part = select(text.encode("utf-8", "replace").decode("latin-1"), 10)
    except RangeNotSatisfiable:
        return
    assert part is None or 0 < part.size <= 10


@pytest.mark.parametrize("if_range", ['"b"', 'W/"a"', "Wed, 21 Oct 2015 07:28:00 GMT", ""])
def test_stale_if_range_gets_the_whole(if_range):
    assert select("bytes=0-1", 10, **{"If-Range": if_range}) is None


def test_head_has_no_range():
    request = RequestFactory().head("/", headers={"Range": "bytes=0-1"})

    assert requested_range(request, total=10, etag=ETAG) is None
