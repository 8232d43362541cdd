"""The container files, as far as they can be judged without an engine."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
NODES = ("web1", "web2", "web3")
SERVICE_ROLES = (*NODES, "worker", "scheduler", "relay", "migrate")
ENV_EXAMPLE = re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
# What an operator does not set for the containers, and why.
UNPASSED_SETTINGS = {
    "DATA_DIR": "the image has its own folder, and containers can write nowhere but to /tmp",
    "EMAIL_BACKEND": "production sends mail by SMTP alone; the setting is for development",
    "COMPRESS_STATIC": "static files are compressed when the image is built",
}
# What only those that serve pages need.
NODE_SETTINGS = {
    "BIND",
    "MAX_REQUESTS",
    "LOCAL_CACHE_BYTES",
    "NODE_COUNT",
    "PROMETHEUS_MULTIPROC_DIR",
    "MAX_CPU_BOUND_REQUESTS",
    "STATEMENT_TIMEOUT_MS",
    "WSGI_THREADS",
    "MAX_QUEUED_REQUESTS",
    "WORKERS",
}
PASSED_SETTINGS = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
REQUIRED_SETTINGS = {
    "SITE_URL": "https://tasks.example.com",
    "ALLOWED_HOSTS": "tasks.example.com",
    "EMAIL_HOST": "127.0.0.1",
}
SECRET_SETTINGS = {
    "SECRET_KEY": "s" * 40,
    "JWT_SIGNING_KEY": "j" * 40,
    "DATABASE_URL": "postgresql://taskflow@postgres/taskflow",
}


def test_the_parts_of_production_are_there():
    assert set(SERVICES) == {*NODES, "nginx", "worker", "scheduler", "relay", "migrate", "postgres", "redis"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_names_what_exists(name):
    service = SERVICES[name]

    volumes = [str(volume).split(":")[0] for volume in service.get("volumes", [])]
    assert [one for one in volumes if not one.startswith("./") and one not in COMPOSE["volumes"]] == []
    assert [one for one in volumes if one.startswith("./") and not (ROOT / one).exists()] == []
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert set(service.get("depends_on", {})) <= set(SERVICES)


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_every_service_that_stays_restarts_within_its_limits_and_says_little(name):
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["logging"]["options"]["max-size"] == "10m"


def test_nothing_starts_before_what_it_needs():
    for name in (*NODES, "worker", "scheduler", "relay"):
        needs = {other: words["condition"] for other, words in SERVICES[name]["depends_on"].items()}
        assert needs == {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "redis": "service_healthy",
        }
    assert {words["condition"] for words in SERVICES["nginx"]["depends_on"].values()} == {"service_healthy"}
    for name in ("nginx", "postgres", "redis"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_production_gets_every_setting_that_it_refuses_to_start_without():
    given = set(SERVICES["web1"]["environment"])

    for name in (
        "SECRET_KEY",
        "JWT_SIGNING_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "ALLOWED_HOSTS",
        "SITE_URL",
        "EMAIL_HOST",
    ):
        assert {name, f"{name}_FILE"} & given, name


def service_environment(part: str) -> dict[str, str]:
    return {name: str(value) for name, value in SERVICES[part]["environment"].items()}


def interpolate(value: str, said: dict[str, str]) -> str:
    """What a container gets: an empty value is replaced by the default too."""
    return PASSED_SETTINGS.sub(lambda found: said.get(found[1]) or (found[3] if found[2] == "-" else ""), value)


@pytest.mark.parametrize("part", SERVICE_ROLES)
def test_every_setting_of_the_example_is_passed_or_excused(part):
    given = {name.removesuffix("_FILE") for name in service_environment(part)}
    wanted = {name for name, _ in ENV_EXAMPLE} - set(UNPASSED_SETTINGS)

    assert sorted(wanted - given - (set() if part in NODES else NODE_SETTINGS)) == []
    assert sorted(given - wanted) == []
    assert set(UNPASSED_SETTINGS) <= {name for name, _ in ENV_EXAMPLE}


def test_a_setting_is_passed_by_its_own_name_with_the_default_of_the_example():
    passed = {
        name: PASSED_SETTINGS.match(value) for name, value in service_environment("web1").items() if "${" in value
    }
    defaults = {name: found[3] for name, found in passed.items() if found and found[2] == "-"}
    # WORKERS: a container has one core. LOG_JSON: true in production. OIDC_ISSUER: the example shows one, there is none.
    others = {"WORKERS": "1", "LOG_JSON": "true", "OIDC_ISSUER": ""}

    assert {name: found[1] for name, found in passed.items() if found} == {name: name for name in passed}
    assert len(defaults) > 30
    assert defaults == {name: value for name, value in ENV_EXAMPLE if name in defaults} | others


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, "[False, True, 5, [], [], '10/5m', 0]"),
        (dict.fromkeys([name for name, _ in ENV_EXAMPLE], ""), "[False, True, 5, [], [], '10/5m', 0]"),
        (
            {
                "REQUIRE_VERIFIED_EMAIL": "true",
                "LOG_JSON": "false",
                "OIDC_TIMEOUT": "7",
                "SECRET_KEY_FALLBACKS": "o" * 40,
                "JWT_PREVIOUS_KEYS": "p" * 40,
                "MFA_RATE": "3/m",
                "OIDC_ISSUER": "https://id.example.com",
                "OIDC_CLIENT_ID": "taskflow",
            },
            f"[True, False, 7, ['{'o' * 40}'], ['{'p' * 40}'], '3/m', 1]",
        ),
    ],
    ids=["nothing", "empty", "other"],
)
def test_production_takes_what_the_containers_are_given(said, found):
    words = {name: interpolate(value, said | REQUIRED_SETTINGS) for name, value in service_environment("web1").items()}
    words = {name: value for name, value in words.items() if not name.endswith("_FILE")} | SECRET_SETTINGS
    code = (
        "import runpy; from config.settings import production as p; runpy.run_path('config/gunicorn.py');"
        "apps = p.SOCIALACCOUNT_PROVIDERS['openid_connect']['APPS'];"
        "print([p.REQUIRE_VERIFIED_EMAIL, p.LOG_JSON, p.OIDC_TIMEOUT, p.SECRET_KEY_FALLBACKS,"
        " list(p.SIMPLE_JWT['PREVIOUS_KEYS']), p.MFA_RATE, len(apps)])"
    )

    words["PATH"] = os.environ["PATH"]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=words, capture_output=True, text=True, check=False
    )

    assert (done.stderr, done.stdout.strip()) == ("", found)


def test_no_secret_is_written_down():
    text = (ROOT / "docker-compose.yml").read_text() + DOCKERFILE

    values = re.findall(r"^\s*\w*(?:PASSWORD|_KEY|DATABASE_URL)\w*[:=] *(.+)$", text, re.MULTILINE)
    assert values
    assert [value for value in values if not value.startswith(("${", "/run/secrets/"))] == []


def test_nginx_looks_for_the_nodes_where_they_listen():
    wanted = re.findall(r"server (unix:\S+)", (ROOT / "nginx/conf.d/nodes.conf").read_text())

    listening = [SERVICES[name]["environment"]["BIND"].split(",")[1] for name in NODES]
    assert wanted == 2 * listening  # for what may be remembered, and for work


def test_the_image_runs_as_nobody_special_with_a_health_check():
    instructions = [line.split()[0] for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    runtime = DOCKERFILE.split("AS runtime")[1]

    assert instructions.count("FROM") == 3
    assert "USER taskflow" in runtime
    assert runtime.index("USER taskflow") < runtime.index("CMD [")
    assert "/livez" in runtime.split("HEALTHCHECK")[1]


def test_nginx_has_the_module_for_what_brotli_compressed_and_the_files_are_compressed():
    front = DOCKERFILE.split("AS front")[1].split("FROM")[0]

    assert SERVICES["nginx"]["build"] == {"context": ".", "target": "front"}
    assert "libnginx-mod-http-brotli-static" in front
    assert "/etc/nginx/encodings/brotli.conf" in front
    assert "COMPRESS_STATIC=true /venv/bin/python manage.py collectstatic" in DOCKERFILE


def test_the_image_copies_and_installs_what_exists_and_nothing_for_development():
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        *sources, _ = shlex.split(line)
        assert [name for name in sources if not (ROOT / name).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".git", ".env", "var", "secrets", "requirements-dev.txt", "requirements-local.txt"} <= set(ignored)
    assert re.findall(r"-r (\S+)", DOCKERFILE) == ["requirements.txt"]


def test_the_commands_of_the_parts_are_known():
    called = [words[2] for service in SERVICES.values() if (words := service.get("command")) and "manage.py" in words]

    assert called == ["relay"]
    assert {*called, "migrate"} <= set(get_commands())
