"""ETags and If-Match headers."""

from __future__ import annotations

import re

import pytest
from django.test import RequestFactory

from core.errors import Invalid
from core.etags import list_etag, object_etag, parse_if_match


def versions(header):
    return parse_if_match(RequestFactory().put("/", headers={"If-Match": header}))


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ('"3.0a1b"', {3}),
        ('"3"', {3}),
        ('"3.0a1b-br"', {3}),
        ('  "3.0a1b" ,  "4.0a1b-gzip"  ', {3, 4}),
        ('W/"3.0a1b"', set()),
        ('W/"3.0a1b", "4.0a1b"', {4}),
        ('"of another server"', None),
        ('"0a1b"', set()),
        ('"3.0A1B"', set()),
        ('"1234567890123456789"', set()),
    ],
)
def test_if_match_lists_accepted_versions(header, accepted):
    if accepted is None:
        with pytest.raises(Invalid):
            versions(header)
    else:
        assert versions(header) == accepted


@pytest.mark.parametrize("header", ["*", "  *  ", "", "   "])
def test_star_and_empty_if_match_accept_any_version(header):
    assert versions(header) is None


def test_missing_if_match_accepts_any_version():
    assert parse_if_match(RequestFactory().put("/")) is None


@pytest.mark.parametrize("header", ["3", '"3', '3"', '"3" "4"', '"3",', ',"3"', 'w/"3"', '"3", *', "**"])
def test_malformed_if_match_is_rejected(header):
    with pytest.raises(Invalid) as caught:
        versions(header)

    assert [error.field for error in caught.value.fields] == ["If-Match"]


def test_object_etag_holds_version_and_digest():
    tags = [object_etag(3, b"{}"), object_etag(3, b"{}"), object_etag(4, b"{}"), object_etag(3, b"[]")]

    assert re.fullmatch(r'"3\.[0-9a-f]{12}"', tags[0])
    assert tags[0] == tags[1]
    assert len(set(tags)) == 3
    assert versions(tags[2]) == {4}


def test_list_etag_holds_a_digest_only():
    tags = [list_etag(b"[1]"), list_etag(b"[1]"), list_etag(b"[2]")]

    assert re.fullmatch(r'"[0-9a-f]{24}"', tags[0])
    assert (tags[0] == tags[1], tags[0] == tags[2]) == (True, False)
