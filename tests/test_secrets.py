"""More than fifty secrets go through the flows of `tests/secret_flows.py` on real processes; afterwards none is where none may be.

Looked through are the logs of all parts, the bodies of refusals, the metrics, every row of the database and every key of
Redis, for each secret as it is and as it looks when it was encoded.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from django.conf import settings
from django.contrib.sessions.models import Session as Cookie
from django.db import connection
from redis import Redis

from core import redis
from core.sessions import SessionStore
from core.testing.smtp import Sink
from drills.parts import PYTHON, Parts, wait_until
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET
from tests.secret_flows import SECONDS, Found, browsers, guests, keys, provider, tokens_and_passwords, word

pytestmark = pytest.mark.processes


@pytest.fixture
def parts(transactional_db: None, smtp_server: Sink, tmp_path: Path) -> Iterator[Parts]:
    smtp_server.messages.clear()
    redis.client().flushdb()
    database = connection.settings_dict
    (tmp_path / "prometheus").mkdir()
    words = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(smtp_server.port),
        "TASKFLOW_VAR": str(tmp_path),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "prometheus"),
        "LOG_LEVEL": "DEBUG",
    }
    with Parts(tmp_path, **words) as running:
        running.spawn("provider", [PYTHON, "-m", "tests.oidc.provider"])
        wait_until(lambda: running.log("provider").endswith("\n"), seconds=SECONDS, what="no provider")
        issuer = running.log("provider").strip()
        running.environment |= {
            "OIDC_ISSUER": issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        }
        running.start("web", "relay", "worker")
        yield running


def shapes(secret: str) -> set[str]:
    """The secret as it is, and as it looks inside of what encodes text."""
    raw = secret.encode()
    found = {secret, quote(secret), json.dumps(secret)[1:-1], raw.hex()}
    for shift in range(3):  # base64 of a text that holds it, wherever it begins
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        found.add(encoded[4 if shift else 0 : -4])
    return {shape for shape in found if len(shape) >= 8}


def database() -> str:
    """Every row of every table, and what Django's sessions hold."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        rows = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT x::text FROM "{table}" AS x')  # noqa: S608 -- the catalogue's own names
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows + [str(SessionStore().decode(one.session_data)) for one in Cookie.objects.all()])


def redis_whole() -> str:
    client: Any = Redis.from_url(
        str(settings.CACHES["default"]["LOCATION"]), decode_responses=True, encoding_errors="replace"
    )
    read: dict[str, Callable[[Any], Any]] = {
        "string": client.get,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1),
        "hash": client.hgetall,
    }
    return "\n".join(f"{key} {read[client.type(key)](key)}" for key in client.scan_iter())


def hits(secrets_: dict[str, str], text: str) -> list[str]:
    def is_in(secret: str) -> bool:
        if secret.isdigit():  # short ones would be met by chance within longer numbers
            return re.search(rf"(?<![0-9a-f]){secret}(?![0-9a-f])", text) is not None
        return any(shape in text for shape in shapes(secret))

    return sorted(name for name, secret in secrets_.items() if is_in(secret))


@pytest.mark.timeout(300)
def test_no_secret_is_found_where_none_may_be(parts: Parts, smtp_server: Sink) -> None:
    found = Found(parts.url)
    found.keep("SECRET_KEY", settings.SECRET_KEY)
    found.keep("JWT_SIGNING_KEY", settings.SIMPLE_JWT["SIGNING_KEY"])
    guests(found, smtp_server)
    access = tokens_and_passwords(found)
    keys(found, access)
    browsers(found, smtp_server)
    provider(found, parts.environment["OIDC_ISSUER"])
    time.sleep(2)  # what the last request has set off is on its way
    metrics = requests.get(f"{parts.url}/metrics", timeout=SECONDS).text
    logs = {name: (parts.folder / f"{name}.log").read_text(errors="replace") for name in ("web", "relay", "worker")}

    places = {**logs, "refusals": "\n".join(found.refusals), "metrics": metrics}
    places |= {"database": database(), "Redis": redis_whole()}

    assert len(found.secrets) > 50
    assert len(found.refusals) >= 12
    assert all(len(text) > 500 for text in places.values()), {name: len(text) for name, text in places.items()}
    assert {name: hits(found.secrets, text) for name, text in places.items()} == {name: [] for name in places}


@pytest.mark.parametrize("way", [str, quote, lambda word: base64.b64encode(f"so: {word}!".encode()).decode()])
def test_the_search_finds_what_is_there(way):
    secret = word("calibrated")

    assert hits({"it": secret}, f"a line with {way(secret)} inside") == ["it"]
    assert hits({"it": secret}, "a line without") == []
