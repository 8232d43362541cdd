"""Headers that the gateway and Django might read in two ways: they must agree on who asks, whom, and for what."""

from __future__ import annotations

import asyncio

import pytest

from accounts.tests.fixtures import token_of
from core.api.routes import get_route_table
from core.testing.asgi import run
from gateway import request
from gateway.application import Gateway
from gateway.jwt_cache import JwtCache

ME_PATH = "/api/v1/me/"


def build_scope(headers, *, path=ME_PATH, query=b""):
    return {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": headers}


async def _nothing(*_):
    return None


def parse_scope(headers, **more) -> request.GatewayRequest:
    return request.parse_request(
        build_scope(headers, **more), _nothing, _nothing, tokens=JwtCache(), routes=get_route_table()
    )


@pytest.mark.django_db
@pytest.mark.parametrize("between", [b" ", b"\t", b"  ", b" \t "])
def test_a_token_counts_for_its_person_whatever_space_stands_before_it(between, alice):
    """Django takes each of these, so a caller beyond the limit would go on as a stranger otherwise."""
    call = parse_scope([(b"authorization", b"Bearer" + between + token_of(alice).encode())])

    assert call.claims is not None
    assert call.claims.user_id == str(alice.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "kept"),
    [(b"limit=5", True), (b"overdue=true", False), (b"%6Fverdue=true", False), (b"overd%75e=true", False)],
)
def test_what_depends_on_the_clock_is_not_kept_however_it_is_written(query, kept, alice):
    bearer = (b"authorization", b"Bearer " + token_of(alice).encode())

    assert parse_scope([bearer], path="/api/v1/tasks/", query=query).is_cacheable is kept


@pytest.mark.django_db
@pytest.mark.parametrize("condition", [b"if-match", b"if-unmodified-since"])
def test_a_condition_that_only_django_knows_is_left_to_it(condition, alice):
    bearer = (b"authorization", b"Bearer " + token_of(alice).encode())

    assert parse_scope([bearer]).is_cacheable
    assert not parse_scope([bearer, (condition, b'"1.abc"')]).is_cacheable


@pytest.mark.parametrize("path", [ME_PATH, "/login/", "/livez"])
def test_two_hosts_are_refused_even_if_one_is_ours(path):
    sent = []

    async def send(message):
        sent.append(message)

    def entered(*_):
        raise AssertionError("Django was asked.")

    gateway = Gateway(entered, sessions=None)
    run(gateway(build_scope([(b"host", b"evil.example"), (b"host", b"localhost")], path=path), asyncio.sleep, send))

    assert sent[0]["status"] == 400
    assert b"bad_request" in sent[1]["body"]
