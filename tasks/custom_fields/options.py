"""Writes of the options of select and multi-select fields."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotFound
from core.etags import check_version
from tasks.custom_fields import selectors
from tasks.custom_fields.definitions import MAX_OPTIONS, lock_field, publish_change, reorder
from tasks.custom_fields.slugs import free_slug
from tasks.custom_fields.values import find_option
from tasks.models import CustomField, CustomFieldOption, CustomFieldValue, FieldKind
from tasks.models.custom_field import OPTION_KINDS
from tasks.trash.storage import collect, discard


@transaction.atomic
def add(*, actor: User, field_id: uuid.UUID, name: str, colour: str = "") -> CustomFieldOption:
    """Add an option to a field, as its last one. Raises NotFound, NotAllowed, Conflict, Invalid."""
    field, options = _lock_with_options(actor, field_id)
    if field.kind not in OPTION_KINDS:
        raise Conflict(gettext("Only select and multi-select fields have options."), code="no_options")
    if len(options) >= MAX_OPTIONS:
        raise Conflict(
            gettext("A field has at most %(max_options)s options.") % {"max_options": MAX_OPTIONS}, code="too_many"
        )
    slug = free_slug(name, {option.slug for option in options}, "option")
    option = CustomFieldOption(field=field, slug=slug, name=name.strip(), position=len(options))
    if colour:
        option.colour = colour
    _save(option)
    _bump(field, actor)
    return option


@transaction.atomic
def update(
    *,
    actor: User,
    field_id: uuid.UUID,
    option_id: uuid.UUID,
    changes: Mapping[str, Any],
    versions: frozenset[int] | None = None,
) -> CustomFieldOption:
    """Change the name, colour or position of an option; its slug stays.

    Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.
    """
    field, options = _lock_with_options(actor, field_id)
    option = _find(options, option_id)
    check_version(option, versions, changes)
    changed = {name: value for name, value in changes.items() if getattr(option, name) != value}
    if not changed:
        return option
    if "position" in changed:
        options.remove(option)
        options.insert(changed.pop("position"), option)
        reorder(options)
    for name, value in changed.items():
        setattr(option, name, value.strip())
    option.version += 1
    _save(option)
    _bump(field, actor)
    return option


@transaction.atomic
def delete(
    *,
    actor: User,
    field_id: uuid.UUID,
    option_id: uuid.UUID,
    now: datetime,
    replace_with: str = "",
    remove: bool = False,
    versions: frozenset[int] | None = None,
) -> None:
    """Move an option to the trash. Tasks that have it get another one, or with `remove` none.

    Raises NotFound, NotAllowed, VersionConflict, Invalid, and Conflict with the number of tasks that have it if neither
    is said.
    """
    field, options = _lock_with_options(actor, field_id)
    option = _find(options, option_id)
    check_version(option, versions)
    options.remove(option)
    if replace_with:
        try:
            _replace(field, option, find_option(options, replace_with))
        except ValueError as error:
            raise Invalid.field(
                "replace_with", gettext("Another option of the field: %(error)s") % {"error": error}
            ) from error
    elif not remove and (count := selectors.count_tasks(field, option)):
        tasks = (
            gettext("%(count)s task has") % {"count": count}
            if count == 1
            else gettext("%(count)s tasks have") % {"count": count}
        )
        message = gettext("%(tasks)s this option. Send `replace_with` with another one, or `remove=true`.") % {
            "tasks": tasks
        }
        raise Conflict(message, code="in_use")
    if field.required and remove and field.kind == FieldKind.SELECT and selectors.count_tasks(field, option):
        raise Conflict(
            gettext("The field is required, so its tasks need another option: send `replace_with`."), code="required"
        )
    _forget_default(field, option, replace_with and find_option(options, replace_with).slug)
    title = f"Option {option.name} of {field.name}"
    deletion, project = collect(option), field.project
    discard(deletion, kind="custom_field_option", obj=option, title=title, project=project, actor=actor, now=now)
    reorder(options)
    _bump(field, actor)


def _replace(field: CustomField, option: CustomFieldOption, other: CustomFieldOption) -> None:
    """Give the tasks that have an option another one; of a multi-select, once."""
    rows = CustomFieldValue.objects.filter(field=field, option=option)
    same = CustomFieldValue.objects.filter(field=field, option=other, task=OuterRef("task"))
    rows.filter(~Exists(same)).update(option=other)


def _forget_default(field: CustomField, option: CustomFieldOption, replacement: str) -> None:
    if isinstance(field.default, list):
        slugs = [replacement if slug == option.slug else slug for slug in field.default]
        field.default = list(dict.fromkeys(filter(None, slugs))) or None
    elif field.default == option.slug:
        field.default = replacement or None


def _save(option: CustomFieldOption) -> None:
    try:
        with transaction.atomic():
            option.save()
    except IntegrityError as error:
        raise Invalid.field("name", gettext("The field has an option of this name already."), "taken") from error


def _bump(field: CustomField, actor: User) -> None:
    """Count the change of an option as one of its field, which shows it."""
    field.version += 1
    field.save(update_fields=["default", "version"])
    publish_change(field, actor, [field.name], [field.name])


def _lock_with_options(actor: User, field_id: uuid.UUID) -> tuple[CustomField, list[CustomFieldOption]]:
    field = lock_field(actor, field_id)
    return field, list(field.options.order_by("position", "pk"))


def _find(options: list[CustomFieldOption], option_id: uuid.UUID) -> CustomFieldOption:
    for option in options:
        if option.pk == option_id:
            return option
    raise NotFound(gettext("There is no such option."))
