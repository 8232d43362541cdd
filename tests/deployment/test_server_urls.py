"""DATABASE_URL, REDIS_URL and CELERY_BROKER_URL with passwords that are not percent-encoded."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from drills.processes import ROOT

PASSWORDS = [
    "Winter#2027",
    "2027#Winter",
    "12#34",
    "Win/ter27",
    "12/34",
    "Win?ter27",
    "Win[ter",
    "100%sure",
    "Win ter",
    "Win\nter",
]
SCHEMES = ("redis", "unix")


@pytest.mark.parametrize("password", PASSWORDS)
def test_unescaped_password_is_one_sentence_without_it(password, monkeypatch):
    for name, value, read in [
        ("DATABASE_URL", f"postgresql://taskflow:{password}@db.example.com/taskflow", env.database),
        ("REDIS_URL", f"redis://:{password}@cache.example.com:6379/0", lambda name: env.server(name, "", SCHEMES)),
    ]:
        monkeypatch.setenv(name, value)

        with pytest.raises(ImproperlyConfigured) as error:
            read(name)

        report = "".join(traceback.format_exception(error.value))
        assert str(error.value).startswith(f"{name} is not a valid URL. Percent-encode")
        assert not [part for part in ("Winter", "2027", "ter27", "sure", password) if part in report]


def test_escaped_password_is_read_as_written(monkeypatch):
    for written, password in [("Winter%232027", "Winter#2027"), ("a%2Fb%3Fc%25d", "a/b?c%d"), ("a@b:c", "a@b:c")]:
        monkeypatch.setenv(
            "DATABASE_URL", f"postgresql://taskflow:{written}@db.example.com:5433/taskflow?sslmode=require"
        )

        database = env.database("DATABASE_URL")

        assert (database["PASSWORD"], database["HOST"], database["PORT"]) == (password, "db.example.com", "5433")
        assert (database["NAME"], database["OPTIONS"]) == ("taskflow", {"sslmode": "require"})


@pytest.mark.parametrize(
    "value", ["postgresql:///taskflow?host=/run/pg&user=me@x", "postgresql://[::1]:5432/taskflow", "postgres://h/%40"]
)
def test_unusual_url_is_accepted(value, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", value)

    assert env.database("DATABASE_URL")["ENGINE"] == "core.postgresql"


def test_url_of_another_scheme_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "http://:Winter@cache/0")

    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL must be a redis:// URL\.$"):
        env.server("REDIS_URL", "", SCHEMES)


@pytest.mark.processes
@pytest.mark.parametrize("name", ["DATABASE_URL", "CELERY_BROKER_URL"])
def test_command_line_prints_the_sentence_alone(name):
    scheme = "postgresql" if name == "DATABASE_URL" else "redis"
    environment = {**os.environ, name: f"{scheme}://taskflow:Winter#2027@db.example.com/taskflow"}
    command = [sys.executable, "manage.py", "check"]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert (process.returncode, process.stderr.count("\n"), process.stdout) == (1, 1, "")
    assert process.stderr.startswith(f"TaskFlow: {name} is not a valid URL.")
