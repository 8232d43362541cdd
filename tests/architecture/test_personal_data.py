"""Personal data (GDPR): models that reference users are exported and erased, or exempt."""

from __future__ import annotations

from django.apps import apps
from django.db import models

from accounts.models import User
from core.privacy import providers

# Columns that hold a user's id without a foreign key.
LOOSE_REFERENCES = {"actor_id", "user_id", "caller", "assignee_ids", "recipient_id"}
EXEMPT_MODELS = {
    "admin.LogEntry": "Actions of administrators are in the event log, which is exported.",
    "accounts.MfaChallenge": "A login between password and second factor; deleted within minutes.",
    "core.IdempotencyRecord": "Responses of the last day, which the user has received.",
    "analytics.TaskSnapshot": "A copy of the task's state, which is exported with the task.",
    "tasks.ProjectInvitation": "Part of the invitation, which is exported.",
}


def references_users(model: type[models.Model]) -> bool:
    fields = model._meta.get_fields()
    keys = [field for field in fields if isinstance(field, models.ForeignKey) and field.related_model is User]
    return bool(keys) or any(getattr(field, "attname", "") in LOOSE_REFERENCES for field in fields)


def exported_models() -> set[str]:
    return {label for provider in providers() for section in provider.parts for label in section.model_labels}


def test_models_that_reference_users_are_exported_or_exempt():
    labels = {model._meta.label for model in apps.get_models() if references_users(model)}

    assert labels - exported_models() - set(EXEMPT_MODELS) == set()


def test_exported_and_exempt_models_exist_and_do_not_overlap():
    labels = {model._meta.label for model in apps.get_models()}

    assert (exported_models() | set(EXEMPT_MODELS)) - labels == set()
    assert exported_models() & set(EXEMPT_MODELS) == set()


def test_export_sections_have_unique_names():
    names = [section.name for provider in providers() for section in provider.parts]

    assert len(names) == len(set(names)) > 10
