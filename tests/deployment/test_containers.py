"""Dockerfile and docker-compose.yml, checked without a container engine."""

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
WORKERS = ("worker", "mail-worker", "bulk-worker")
SERVICE_ROLES = (*NODES, *WORKERS, "scheduler", "relay", "migrate")
ENV_EXAMPLE = re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
# Settings that docker-compose.yml does not pass on, with the reason.
UNPASSED_SETTINGS = {
    "DATA_DIR": "the image has its own folder, and containers can write to /tmp only",
    "EMAIL_BACKEND": "production sends emails by SMTP only; the setting is for development",
    "COMPRESS_STATIC": "static files are compressed when the image is built",
}
# Settings of the nodes only.
NODE_SETTINGS = {
    "BIND",
    "MAX_REQUESTS",
    "LOCAL_CACHE_BYTES",
    "NODE_COUNT",
    "PROMETHEUS_MULTIPROC_DIR",
    "MAX_CPU_BOUND_REQUESTS",
    "STATEMENT_TIMEOUT_MS",
    "LOCK_TIMEOUT_MS",
    "POOL_TIMEOUT",
    "DATABASE_PROBE_AFTER_MS",
    "WSGI_THREADS",
    "MAX_QUEUED_REQUESTS",
    "WORKERS",
}
INTERPOLATION = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
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


def test_services_are_complete():
    assert set(SERVICES) == {*NODES, "nginx", *WORKERS, "scheduler", "relay", "migrate", "postgres", "redis"}


def test_services_reference_existing_volumes_and_secrets():
    for name, service in SERVICES.items():
        volumes = [str(volume).split(":")[0] for volume in service.get("volumes", [])]
        files = [volume for volume in volumes if volume.startswith("./")]
        assert set(volumes) - set(files) <= set(COMPOSE["volumes"]), name
        assert [path for path in files if not (ROOT / path).exists()] == [], name
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(SERVICES), name


def test_services_restart_and_have_limits():
    for name, service in SERVICES.items():
        if name != "migrate":
            assert service["restart"] == "unless-stopped", name
            assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
            assert service["logging"]["options"]["max-size"] == "10m", name


def test_services_start_after_their_dependencies():
    for name in (*NODES, *WORKERS, "scheduler", "relay"):
        conditions = {other: options["condition"] for other, options in SERVICES[name]["depends_on"].items()}
        assert conditions == {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "redis": "service_healthy",
        }
    assert {options["condition"] for options in SERVICES["nginx"]["depends_on"].values()} == {"service_healthy"}
    for name in ("nginx", "postgres", "redis"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_required_settings_are_passed_to_the_nodes():
    passed = set(SERVICES["web1"]["environment"])

    for name in (
        "SECRET_KEY",
        "JWT_SIGNING_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "ALLOWED_HOSTS",
        "SITE_URL",
        "EMAIL_HOST",
    ):
        assert {name, f"{name}_FILE"} & passed, name


def service_environment(service: str) -> dict[str, str]:
    return {name: str(value) for name, value in SERVICES[service]["environment"].items()}


def interpolate(value: str, variables: dict[str, str]) -> str:
    """Replace `${NAME:-default}` as Docker Compose does: the default also replaces an empty value."""
    return INTERPOLATION.sub(lambda match: variables.get(match[1]) or (match[3] if match[2] == "-" else ""), value)


@pytest.mark.parametrize("service", SERVICE_ROLES)
def test_documented_settings_are_passed_or_exempt(service):
    passed = {name.removesuffix("_FILE") for name in service_environment(service)}
    documented = {name for name, _ in ENV_EXAMPLE} - set(UNPASSED_SETTINGS)

    assert sorted(documented - passed - (set() if service in NODES else NODE_SETTINGS)) == []
    assert sorted(passed - documented) == []
    assert set(UNPASSED_SETTINGS) <= {name for name, _ in ENV_EXAMPLE}


def test_passed_settings_have_the_documented_name_and_default():
    matches = {name: INTERPOLATION.match(value) for name, value in service_environment("web1").items() if "${" in value}
    defaults = {name: match[3] for name, match in matches.items() if match and match[2] == "-"}
    # WORKERS: a container has one core. LOG_JSON: true in production. OIDC_ISSUER: the example shows one, there is none.
    # EMAIL_USE_SSL: the default depends on the port.
    others = {"WORKERS": "1", "LOG_JSON": "true", "OIDC_ISSUER": "", "EMAIL_USE_SSL": ""}

    assert {name: match[1] for name, match in matches.items() if match} == {name: name for name in matches}
    assert len(defaults) > 30
    assert defaults == {name: value for name, value in ENV_EXAMPLE if name in defaults} | others


@pytest.mark.parametrize(
    ("variables", "expected"),
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
def test_production_settings_accept_the_container_environment(variables, expected):
    variables = variables | REQUIRED_SETTINGS
    environment = {name: interpolate(value, variables) for name, value in service_environment("web1").items()}
    environment = {name: value for name, value in environment.items() if not name.endswith("_FILE")} | SECRET_SETTINGS
    code = (
        "import runpy; from config.settings import production as p; runpy.run_path('config/gunicorn.py');"
        "print([p.REQUIRE_VERIFIED_EMAIL, p.LOG_JSON, p.OIDC_TIMEOUT, p.SECRET_KEY_FALLBACKS,"
        " list(p.SIMPLE_JWT['PREVIOUS_KEYS']), p.MFA_RATE, len(p.OIDC_PROVIDERS)])"
    )

    environment["PATH"] = os.environ["PATH"]
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert (process.stderr, process.stdout.strip()) == ("", expected)


def test_secrets_are_not_in_the_files():
    text = (ROOT / "docker-compose.yml").read_text() + DOCKERFILE

    values = re.findall(r"^\s*\w*(?:PASSWORD|_KEY|DATABASE_URL)\w*[:=] *(.+)$", text, re.MULTILINE)
    assert values
    assert [value for value in values if not value.startswith(("${", "/run/secrets/"))] == []


def test_nginx_upstreams_are_the_sockets_of_the_nodes():
    upstreams = re.findall(r"server (unix:\S+)", (ROOT / "nginx/conf.d/nodes.conf").read_text())

    listening = [SERVICES[name]["environment"]["BIND"].split(",")[1] for name in NODES]
    assert upstreams == 2 * listening  # two upstreams: with and without max_conns


def test_image_runs_as_its_own_user_with_a_health_check():
    instructions = [line.split()[0] for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    runtime = DOCKERFILE.split("AS runtime")[1]

    assert instructions.count("FROM") == 3
    assert "USER taskflow" in runtime
    assert runtime.index("USER taskflow") < runtime.index("CMD [")
    assert "/livez" in runtime.split("HEALTHCHECK")[1]


def test_nginx_serves_brotli_files_made_at_build_time():
    front = DOCKERFILE.split("AS front")[1].split("FROM")[0]

    assert SERVICES["nginx"]["build"] == {"context": ".", "target": "front"}
    assert "libnginx-mod-http-brotli-static" in front
    assert "/etc/nginx/encodings/brotli.conf" in front
    assert "COMPRESS_STATIC=true /venv/bin/python manage.py collectstatic" in DOCKERFILE


def test_image_has_no_development_files():
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        *sources, _ = shlex.split(line)
        assert [name for name in sources if not (ROOT / name).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".git", ".env", "var", "secrets", "requirements-dev.txt", "requirements-local.txt"} <= set(ignored)
    assert re.findall(r"-r (\S+)", DOCKERFILE) == ["requirements.txt"]


def test_management_commands_of_services_exist():
    commands = [service["command"] for service in SERVICES.values() if "manage.py" in (service.get("command") or ())]

    assert [command[2] for command in commands] == ["relay"]
    assert {"relay", "migrate"} <= set(get_commands())
