"""Completeness of lists: events, jobs, models, settings, templates, migrations, import contracts."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
import sys
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
from notifications.kinds import AccountEmailKind, Kind

ROOT = Path(__file__).resolve().parents[2]
PROJECT_APPS = ("accounts", "tasks", "notifications", "analytics", "events", "gateway", "core", "config", "demo")
PROJECT_MODELS = [model for model in apps.get_models() if model._meta.app_label in PROJECT_APPS]
TEMPLATE_NAME_PATTERN = re.compile(r"""{%\s*(?:include|extends)\s+["']([^"']+)["']""")


def source_files(*folders: str) -> Iterator[Path]:
    for folder in folders or PROJECT_APPS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts):
                yield path


def published_events() -> dict[str, Any]:
    """Return the event classes of all apps by their wire names."""
    events: dict[str, Any] = {}
    for name in PROJECT_APPS:
        if (ROOT / name / "events.py").exists():
            module = importlib.import_module(f"{name}.events")
            classes = [value for value in vars(module).values() if dataclasses.is_dataclass(value)]
            events |= {event.name: event for event in classes if "name" in vars(event)}
    return events


def test_subscriptions_list_all_events():
    assert sorted(SUBSCRIPTIONS) == sorted(published_events())


def test_events_are_all_published():
    code = "\n".join(path.read_text() for path in source_files())

    unpublished = [event.__name__ for event in published_events().values() if f".{event.__name__}" not in code]

    assert unpublished == []


def test_events_are_frozen_dataclasses_of_plain_values():
    plain = {"str", "int", "list[str]", "dict[str, Any]", "dict[str, str]", "dict[str, list[Any]]", "TaskPayload"}

    for name, event in published_events().items():
        assert event.__dataclass_params__.frozen, name
        assert {str(field.type) for field in dataclasses.fields(event)} <= plain, name
        assert event.version >= 1, name
        assert event.subject_type in name or event.subject_type == "user", name


def test_consumers_are_handlers():
    for consumer in {name for names in SUBSCRIPTIONS.values() for name in names}:
        assert ".handlers." in consumer
        assert callable(import_string(consumer)), consumer


def test_jobs_are_all_registered_with_celery():
    current_app.loader.import_default_modules()

    names = {str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in source_files()}
    assert {name for name in names if name.endswith(".jobs")} - set(sys.modules) == set()
    assert [entry["task"] for entry in SCHEDULE.values() if entry["task"] not in current_app.tasks] == []


def test_models_are_all_in_the_admin():
    missing = [model for model in PROJECT_MODELS if model not in admin.site._registry]

    assert [model._meta.label for model in missing if not model._meta.auto_created] == []


def test_constraint_names_name_the_model_and_the_rule():
    names = [constraint.name for model in PROJECT_MODELS for constraint in model._meta.constraints]

    assert [name for name in names if name.count("_") < 2] == []


def used_settings() -> set[str]:
    """Return the names of the environment variables that code reads through config.env."""
    names = set()
    for path in source_files("config"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                reads_env = isinstance(node.func.value, ast.Name) and node.func.value.id == "env"
                if reads_env and isinstance(node.args[0], ast.Constant):
                    names.add(str(node.args[0].value))
    return names


def test_settings_are_all_documented_in_env_example():
    documented = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert sorted(used_settings() - documented) == []


@pytest.mark.django_db
def test_migrations_are_up_to_date():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_system_check_passes():
    call_command("check", fail_level="WARNING", stdout=StringIO())


def used_templates() -> set[str]:
    code = "\n".join(path.read_text() for path in source_files())
    names = set(re.findall(r"""["']([a-z_]+(?:/[\w.-]+)*/[\w-]+\.(?:html|txt))["']""", code))
    for path in (ROOT / "templates").rglob("*.*"):
        names |= set(TEMPLATE_NAME_PATTERN.findall(path.read_text())) if path.suffix in {".html", ".txt"} else set()
    return names


def test_templates_named_in_code_exist():
    names = used_templates()

    assert len(names) > 20
    for name in names:
        get_template(name)  # raises TemplateDoesNotExist


def test_emails_have_a_subject_and_both_bodies():
    for kind in [*Kind.values, *AccountEmailKind.values]:
        for part in ("subject.txt", "body.txt", "body.html"):
            get_template(f"emails/{kind}/{part}")


def test_code_has_no_signals_and_no_catch_all_modules():
    code = {path: path.read_text() for path in source_files()}

    assert [str(path) for path, text in code.items() if "django.dispatch" in text or "models.signals" in text] == []
    assert [str(path) for path in code if path.stem in {"utils", "helpers", "misc", "common", "shared"}] == []


def test_suite_runs_on_postgresql_and_redis():
    assert settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    assert settings.CACHES["default"]["BACKEND"] == "django_redis.cache.RedisCache"


def test_import_contracts_cover_all_apps():
    """`exhaustive` makes import-linter reject a module that stands in no layer."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    exhaustive = [contract for contract in contracts.values() if contract.getboolean("exhaustive", fallback=False)]

    containers = {app for contract in exhaustive for app in contract["containers"].split()}

    assert containers == set(PROJECT_APPS) - {"config", "demo"}
    assert set(contracts["importlinter"]["root_packages"].split()) == {*PROJECT_APPS, "launcher"}
