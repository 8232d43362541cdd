"""The container files, as far as they can be judged without an engine."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
NODES = ("web1", "web2", "web3")


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
