"""Lists that must be complete, so that nothing is forgotten: facts, models, settings, templates, migrations."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections.abc import Iterator
from configparser import ConfigParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.management import call_command
from django.template.loader import get_template
from django.utils.module_loading import import_string

from config.schedule import SCHEDULE
from config.subscriptions import SUBSCRIPTIONS
from gateway.request import CACHEABLE_PATHS
from notifications.kinds import AccountEmailKind, Kind

ROOT = Path(__file__).resolve().parents[2]
PROJECT_APPS = ("accounts", "tasks", "notifications", "analytics", "events", "gateway", "core", "config")
PROJECT_MODELS = [model for model in apps.get_models() if model._meta.app_label in PROJECT_APPS]
TEMPLATE_NAME_PATTERN = re.compile(r"""{%\s*(?:include|extends)\s+["']([^"']+)["']""")


def source_files(*folders: str) -> Iterator[Path]:
    for folder in folders or PROJECT_APPS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts):
                yield path


def published_events() -> dict[str, Any]:
    """Every class with a wire name in an app's events.py."""
    found: dict[str, Any] = {}
    for name in PROJECT_APPS:
        if (ROOT / name / "events.py").exists():
            module = importlib.import_module(f"{name}.events")
            kinds = [one for one in vars(module).values() if dataclasses.is_dataclass(one) and "name" in vars(one)]
            found |= {kind.name: kind for kind in kinds}
    return found


def test_every_fact_has_its_line_and_every_line_its_fact():
    assert sorted(SUBSCRIPTIONS) == sorted(published_events())


def test_every_fact_is_published_somewhere():
    code = "\n".join(path.read_text() for path in source_files())

    unpublished = [kind.__name__ for kind in published_events().values() if f".{kind.__name__}" not in code]

    assert unpublished == []


@pytest.mark.parametrize("kind", published_events().values(), ids=lambda kind: kind.name)
def test_a_fact_is_frozen_and_made_of_plain_values(kind):
    plain = {"str", "int", "list[str]", "dict[str, Any]", "dict[str, str]", "dict[str, list[Any]]", "TaskState"}

    assert kind.__dataclass_params__.frozen
    assert {str(field.type) for field in dataclasses.fields(kind)} <= plain
    assert kind.version >= 1
    assert kind.subject_type in kind.name or kind.subject_type == "user"


@pytest.mark.parametrize("consumer", sorted({name for names in SUBSCRIPTIONS.values() for name in names}))
def test_every_consumer_is_a_handler(consumer):
    assert ".handlers." in consumer
    assert callable(import_string(consumer))


def test_every_scheduled_job_is_registered():
    current_app.autodiscover_tasks(related_name="jobs", force=True)

    assert [line["task"] for line in SCHEDULE.values() if line["task"] not in current_app.tasks] == []


@pytest.mark.parametrize("model", PROJECT_MODELS, ids=lambda model: model._meta.label)
def test_every_model_is_in_the_admin(model):
    assert model._meta.auto_created or model in admin.site._registry


@pytest.mark.parametrize("model", PROJECT_MODELS, ids=lambda model: model._meta.label)
def test_a_constraint_reads_as_a_sentence(model):
    names = [constraint.name for constraint in model._meta.constraints]

    assert [name for name in names if name.count("_") < 3] == []


def used_settings() -> set[str]:
    """The names that code asks the environment for, through config.env."""
    found = set()
    for path in source_files("config"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                of_env = isinstance(node.func.value, ast.Name) and node.func.value.id == "env"
                if of_env and isinstance(node.args[0], ast.Constant):
                    found.add(str(node.args[0].value))
    return found


def test_every_setting_is_explained_in_the_example():
    named = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert sorted(used_settings() - named) == []


@pytest.mark.django_db
def test_the_migrations_are_up_to_date():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_the_project_passes_djangos_own_checks():
    call_command("check", fail_level="WARNING", stdout=StringIO())


def used_templates() -> set[str]:
    code = "\n".join(path.read_text() for path in source_files())
    found = set(re.findall(r"""["']([a-z_]+(?:/[\w.-]+)*/[\w-]+\.(?:html|txt))["']""", code))
    for path in (ROOT / "templates").rglob("*.*"):
        found |= set(TEMPLATE_NAME_PATTERN.findall(path.read_text())) if path.suffix in {".html", ".txt"} else set()
    return found


def test_there_are_templates_to_look_for():
    assert len(used_templates()) > 20


@pytest.mark.parametrize("name", sorted(used_templates()))
def test_every_template_that_is_named_exists(name):
    get_template(name)


@pytest.mark.parametrize("kind", [*Kind.values, *AccountEmailKind.values])
def test_every_mail_has_its_parts(kind):
    for part in ("subject.txt", "body.txt", "body.html"):
        get_template(f"emails/{kind}/{part}")


def test_no_signal_and_no_shelf_for_everything():
    code = {path: path.read_text() for path in source_files()}

    assert [str(path) for path, text in code.items() if "django.dispatch" in text or "models.signals" in text] == []
    assert [str(path) for path in code if path.stem in {"utils", "helpers", "misc", "common"}] == []


def test_the_suite_runs_on_postgresql_and_a_real_redis():
    assert settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    assert settings.CACHES["default"]["BACKEND"] == "django_redis.cache.RedisCache"


def test_the_import_contracts_name_the_rooms_of_every_app():
    """Inside an app, `exhaustive` sees to it that a module without a room is refused."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    complete = [one for one in contracts.values() if one.getboolean("exhaustive", fallback=False)]

    named = {app for one in complete for app in one["containers"].split()}

    assert named == set(PROJECT_APPS) - {"config"}
    assert set(contracts["importlinter"]["root_packages"].split()) == {*PROJECT_APPS, "launcher"}


def test_nginx_never_refuses_as_work_what_the_gateway_may_have_kept():
    written = (ROOT / "nginx/snippets/http.conf").read_text()
    kept = CACHEABLE_PATHS.pattern.replace("(?:", "(").replace("/v1/", "/v[0-9]+/").removesuffix(r"\Z")

    assert rf'"~^GET {kept}(\?|$)" $asks_for_fresh;' in written
