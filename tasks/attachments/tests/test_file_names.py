"""Names of files, for any text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.attachments.errors import FileRefused, size_text
from tasks.attachments.file_names import MAX_NAME_LENGTH, clean_name
from tasks.attachments.file_types import FILE_TYPES, extension_of, is_of_type

ANY_TEXT = st.text(st.characters(codec=None), max_size=300)


@given(ANY_TEXT)
def test_any_name_becomes_a_safe_one_or_is_refused(name):
    try:
        cleaned = clean_name(name)
    except FileRefused:
        return
    assert 0 < len(cleaned) <= MAX_NAME_LENGTH
    assert cleaned.encode()  # no surrogates
    assert not {"/", "\\", "\0", "\n", "\r", '"'} & set(cleaned)
    assert clean_name(cleaned) == cleaned


@given(st.binary(max_size=200))
def test_check_of_any_content_answers(content):
    assert {is_of_type(content, file_type) for file_type in FILE_TYPES.values()} <= {True, False}


def test_extension_decides_and_media_types_are_inert():
    names = {"a.PNG": "png", "a.tar.gz": "gz", "README": "", ".env": "", "a.": "", "x.svg": "svg"}

    assert {name: extension_of(name) for name in names} == names
    runnable = ("html", "xml", "svg", "javascript", "xhtml")
    media_types = {file_type.media_type for file_type in FILE_TYPES.values() if "openxml" not in file_type.media_type}
    assert [name for name in media_types if any(word in name for word in runnable)] == []


def test_size_is_written_as_limits_are():
    sizes = {1: "1 byte", 999: "999 bytes", 1536: "1.5 KB", 100 * 1024**2: "100 MB", 5 * 1024**3: "5 GB"}

    assert {size: size_text(size) for size in sizes} == sizes
