from __future__ import annotations

import pytest

from tasks.imports.todoist_attachments import Attachment, link_attachments


def test_file_becomes_a_link_where_it_stood() -> None:
    text = 'see [[file {"file_name":"a.png","file_url":"https:\\/\\/x.example\\/a.png","tn_s":["t",96,96]}]] here'

    assert link_attachments(text) == (
        "see [a.png](<https://x.example/a.png>) here",
        [Attachment("a.png", "https://x.example/a.png")],
    )


@pytest.mark.parametrize(
    "text",
    [
        "no file at all",
        "[[file ]]",
        '[[file {"file_name": "half',
        "[[file 5]]",
        '[[file {"file_name":"a"} and more',
        "[[file " + "[" * 100_000,
        '[[file {"size":' + "9" * 10_000 + "}]]",
    ],
)
def test_text_resembling_an_attachment_is_kept(text: str) -> None:
    assert link_attachments(text) == (text, [])


def test_only_web_addresses_become_links() -> None:
    text = '[[file {"file_name":"a","file_url":"javascript:alert(1)"}]]'

    assert link_attachments(text)[0] == "a javascript:alert(1)"


def test_brackets_in_a_name_do_not_end_the_link() -> None:
    text = '[[file {"file_name":"a](https://evil.example)[b","file_url":"https://x.example/> c"}]]'

    assert link_attachments(text)[0] == "[a\\](https://evil.example)\\[b](<https://x.example/%3E%20c>)"


def test_characters_that_cannot_be_stored_are_replaced() -> None:
    text = '[[file {"file_name":"a\\u0000b\\ud800c","file_url":7}]]'

    assert link_attachments(text) == ("ab\ufffdc", [Attachment("ab\ufffdc", "")])
