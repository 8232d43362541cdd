"""Reading uploaded files."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.datastructures import MultiValueDict

from core.errors import Invalid
from core.uploads import read_single_upload


def files(**fields):
    return MultiValueDict(fields)


def upload(content=b"0123456789"):
    return SimpleUploadedFile("notes.csv", content)


def test_upload_is_read_up_to_one_byte_more_than_allowed():
    cases = {9: b"0123456789", 10: b"0123456789", 11: b"0123456789", 4: b"01234"}

    for limit, expected in cases.items():
        assert read_single_upload(files(file=[upload()]), max_bytes=limit) == expected, limit


def test_upload_of_another_shape_is_refused_by_field():
    cases = [
        (files(), "file", "required"),
        (files(file=["text"]), "file", "required"),
        (files(file=[upload(), upload()]), "file", "required"),
        (files(file=[upload()], other=[upload()]), "other", "unknown"),
    ]

    for sent, field, code in cases:
        with pytest.raises(Invalid) as refused:
            read_single_upload(sent, max_bytes=100)
        assert [(error.field, error.code) for error in refused.value.fields] == [(field, code)], sent
