"""The format of API keys."""

from __future__ import annotations

import hashlib
import re

import pytest

from core.security import api_keys


def test_generated_key_is_parsed():
    text, offered = api_keys.generate()

    assert re.fullmatch(r"tf_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", text)
    assert api_keys.parse(text.encode()) == offered
    assert text.split("_")[2] == offered.prefix


def test_parsed_key_holds_only_a_digest():
    text, offered = api_keys.generate()

    assert offered.digest == hashlib.sha256(text.split("_")[3].encode()).hexdigest()
    assert text.split("_")[3] not in repr(offered)


def test_generated_keys_differ():
    texts = [api_keys.generate()[0] for _ in range(200)]

    assert len({text.split("_")[2] for text in texts}) == len({text.split("_")[3] for text in texts}) == 200


def test_checksum_detects_a_wrong_character():
    text = api_keys.generate()[0]
    other = "a" if text[30] != "a" else "b"

    assert api_keys.parse(f"{text[:30]}{other}{text[31:]}".encode()) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: f"{text}x",
        lambda text: f"{text}\n",
        lambda text: text.replace("live", "test"),
        lambda text: text.upper(),
        lambda text: f" {text}",
        lambda text: text.replace("_", "-"),
        lambda _: "",
        lambda _: "tf_live_" + "x" * 10_000,
        lambda _: "ü" * 77,
    ],
)
def test_malformed_key_is_none(change):
    assert api_keys.parse(change(api_keys.generate()[0]).encode()) is None


def test_digest_is_compared_as_a_whole():
    _, offered = api_keys.generate()

    assert offered.is_for(offered.digest)
    assert not offered.is_for("0" * 64)
