"""What is known about a person is exported for them and forgotten with them: no model that names people is left out."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models

from accounts.models import User
from core.privacy import providers

# Columns that hold a person's id without being a key to their row.
LOOSE_REFERENCES = {"actor_id", "user_id", "caller", "assignee_ids", "recipient_id"}
EXEMPT_MODELS = {
    "admin.LogEntry": "What an administrator did is in the log of facts, and exported from there.",
    "accounts.SignInChallenge": "Half a sign-in, gone within minutes.",
    "core.IdempotencyRecord": "Answers of the last day, which the person has already had.",
    "analytics.TaskSnapshot": "The task's own state without a name, which the task's export says in full.",
    "tasks.ProjectInvitation": "A part of the invitation.",
}


def references_users(model: type[models.Model]) -> bool:
    fields = model._meta.get_fields()
    keys = [one for one in fields if isinstance(one, models.ForeignKey) and one.related_model is User]
    return bool(keys) or any(getattr(one, "attname", "") in LOOSE_REFERENCES for one in fields)


def exported_models() -> set[str]:
    return {name for keeper in providers() for part in keeper.parts for name in part.model_labels}


@pytest.mark.parametrize(
    "model", [one for one in apps.get_models() if references_users(one)], ids=lambda model: model._meta.label
)
def test_every_model_that_names_people_is_exported_or_excused(model):
    assert model._meta.label in exported_models() | set(EXEMPT_MODELS)


def test_no_excuse_outlives_its_reason_and_no_part_its_model():
    known = {model._meta.label for model in apps.get_models()}

    assert (exported_models() | set(EXEMPT_MODELS)) - known == set()
    assert exported_models() & set(EXEMPT_MODELS) == set()


def test_every_file_has_a_name_of_its_own():
    names = [part.name for keeper in providers() for part in keeper.parts]

    assert len(names) == len(set(names)) > 10
