"""Request bodies: strict JSON, and its validation by a serializer.

Strict means bounded depth, no duplicate names, no NaN, and no text that a database cannot store.
"""

from __future__ import annotations

import json
import re
import threading
from typing import IO, Any

from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.serializers import Serializer

MAX_DEPTH = 32
# Possessive quantifiers: an unterminated string is read to the end of the body once, without backtracking.
_STRING_PATTERN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = frozenset(b"[{")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class StrictJSONParser(BaseParser):
    """Parse a JSON object (RFC 8259, in UTF-8). Anything else is a 400; another charset is a 415."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        charset = re.search(r'charset\s*=\s*"?([^";\s]*)', media_type or "", re.IGNORECASE)
        if charset and charset[1].lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(media_type or "")
        body = stream.read()
        # Counted before parsing, because json.loads recurses for each level and fails with a RecursionError.
        depth = 0
        for bracket in _STRING_PATTERN.sub(b"", body).translate(None, _NO_BRACKETS):
            depth += 1 if bracket in _OPENING else -1
            if depth > MAX_DEPTH:
                raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
        try:
            data = json.loads(
                body.decode("utf-8"),
                object_pairs_hook=_reject_duplicates,
                parse_constant=_reject_constant,
                parse_int=_parse_integer,
                parse_float=_parse_float,
            )
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}.") from error
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        # Bytes that are UTF-8 hold no surrogate, and JSON allows NUL in escapes only.
        if b"\\u" in body:
            _check_text(data)
        return data


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    obj = dict(pairs)
    if len(obj) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return obj


def _reject_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")


def _parse_integer(digits: str) -> int:
    if len(digits) > 19:
        raise ValueError("a number has too many digits")
    return int(digits)


def _parse_float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ParseError("A number is too large.")
    return value


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise ParseError("The body holds a NUL or a lone surrogate.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner)


# Kept by a serializer between its validations.
SERIALIZER_STATE = ("initial_data", "_validated_data", "_errors")
_thread_local = threading.local()


def parse_body(serializer_class: type[Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """Return the validated body; with `partial`, only the fields that were sent (RFC 7396 merge-patch).

    Raises ValidationError for a body that the serializer refuses, ParseError for an empty patch.
    """
    if partial and request.stream is None:
        raise ParseError("The body is empty. Send a JSON object with the fields to change.")
    # One instance for each thread: building its fields anew would cost more than to validate a body.
    serializers: dict[Any, Serializer[Any]] = _thread_local.__dict__
    if (serializer_class, partial) not in serializers:
        serializers[serializer_class, partial] = serializer_class(partial=partial)
    serializer = serializers[serializer_class, partial]
    serializer.initial_data = request.data
    try:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
    finally:
        for name in SERIALIZER_STATE:
            serializer.__dict__.pop(name, None)
