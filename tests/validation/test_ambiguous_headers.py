"""Headers that the gateway and Django might read in different ways: both must see the same request."""

from __future__ import annotations

import asyncio

import pytest

from accounts.tests.fixtures import token_of
from core.api.routes import get_route_table
from core.testing.asgi import run
from gateway import request
from gateway.application import Gateway

ME_PATH = "/api/v1/me/"


def build_scope(headers, *, path=ME_PATH, query=b""):
    return {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": headers}


async def _nothing(*_):
    return None


def parse_scope(headers, **kwargs) -> request.GatewayRequest:
    return request.parse_request(build_scope(headers, **kwargs), _nothing, _nothing, routes=get_route_table())


@pytest.mark.django_db
@pytest.mark.parametrize("space", [b" ", b"\t", b"  ", b" \t "])
def test_token_after_any_space_counts_for_its_user(space, alice):
    """Django accepts each of these, so the rate limit must count them too."""
    parsed = parse_scope([(b"authorization", b"Bearer" + space + token_of(alice).encode())])

    assert parsed.claims is not None
    assert parsed.claims.user_id == str(alice.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "is_cacheable"),
    [(b"limit=5", True), (b"overdue=true", False), (b"%6Fverdue=true", False), (b"overd%75e=true", False)],
)
def test_time_dependent_query_is_not_cacheable(query, is_cacheable, alice):
    bearer = (b"authorization", b"Bearer " + token_of(alice).encode())

    assert parse_scope([bearer], path="/api/v1/tasks/", query=query).is_cacheable is is_cacheable


@pytest.mark.django_db
@pytest.mark.parametrize("condition", [b"if-match", b"if-unmodified-since"])
def test_condition_of_django_alone_is_not_cacheable(condition, alice):
    bearer = (b"authorization", b"Bearer " + token_of(alice).encode())

    assert parse_scope([bearer]).is_cacheable
    assert not parse_scope([bearer, (condition, b'"1.abc"')]).is_cacheable


@pytest.mark.parametrize("path", [ME_PATH, "/login/", "/livez"])
def test_duplicate_host_header_is_refused(path):
    messages = []

    async def send(message):
        messages.append(message)

    def django(*_):
        raise AssertionError("The request reached Django.")

    gateway = Gateway(django, sessions=None)
    run(gateway(build_scope([(b"host", b"evil.example"), (b"host", b"localhost")], path=path), asyncio.sleep, send))

    assert messages[0]["status"] == 400
    assert b"bad_request" in messages[1]["body"]
