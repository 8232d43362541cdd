"""Custom fields of projects, their options, and the values that tasks have in them."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Left, Lower, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from core.db import uuid7
from core.validators import validate_single_line
from tasks.models.project import COLOUR_VALIDATOR, Project
from tasks.models.task import Task

FIELD_KEY_VALIDATOR = RegexValidator(
    r"\A[a-z][a-z0-9_]*\Z", "A key has small letters, digits and underscores, and begins with a letter."
)
MAX_TEXT_LENGTH = 2_000
# As many characters of a text are in order; an index entry may not have 2,000 of four bytes.
ORDERED_TEXT_LENGTH = 200


class FieldKind(models.TextChoices):
    """Kind of the values of a field."""

    TEXT = "text", gettext_lazy("Text")
    NUMBER = "number", gettext_lazy("Number")
    DATE = "date", gettext_lazy("Date")
    SELECT = "select", gettext_lazy("Select")
    MULTI_SELECT = "multi_select", gettext_lazy("Multi-select")
    USER = "person", gettext_lazy("Person")
    URL = "url", gettext_lazy("URL")
    CHECKBOX = "checkbox", gettext_lazy("Checkbox")


TEXT_KINDS = (FieldKind.TEXT, FieldKind.URL)
OPTION_KINDS = (FieldKind.SELECT, FieldKind.MULTI_SELECT)


class CustomFieldQuerySet(models.QuerySet["CustomField"]):
    def visible_to(self, user: User) -> Self:
        """Return the fields of the projects that a user sees, and all shared ones."""
        return self.filter(Q(project=None) | Q(project__in=Project.objects.visible_to(user).values("pk")))


class CustomField(models.Model):
    """A field of one project, or without a project a shared one, which administrators manage."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="own_fields")
    # Never changed: it is part of saved filters, of events and of what programs send.
    key = models.CharField(max_length=40, validators=[FIELD_KEY_VALIDATOR])
    name = models.CharField(max_length=60, validators=[validate_single_line])
    kind = models.CharField(max_length=12, choices=FieldKind)
    description = models.CharField(max_length=500, blank=True, default="")
    required = models.BooleanField(default=False)
    # Of new tasks, as the API writes a value; null for none.
    default = models.JSONField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = CustomFieldQuerySet.as_manager()

    class Meta:
        constraints = [
            # That of a project's own field is unique among its fields, see ProjectField.
            models.UniqueConstraint(fields=["key"], condition=Q(project=None), name="a_shared_field_has_its_own_key"),
            # Referenced by the composite foreign key of values, see the migration.
            models.UniqueConstraint(fields=["id", "kind"], name="a_field_can_be_referred_to_with_its_kind"),
            models.CheckConstraint(name="a_field_kind_is_known", condition=Q(kind__in=FieldKind.values)),
            models.CheckConstraint(name="a_field_key_is_one_word", condition=Q(key__regex=r"^[a-z][a-z0-9_]*$")),
            models.CheckConstraint(
                name="a_checkbox_is_never_required", condition=~Q(kind=FieldKind.CHECKBOX) | Q(required=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CustomFieldOption(models.Model):
    """An option of a select or multi-select field. Its slug stays when it is renamed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    field = models.ForeignKey(CustomField, on_delete=models.CASCADE, related_name="options")
    slug = models.SlugField(max_length=40, db_index=False)
    name = models.CharField(max_length=60, validators=[validate_single_line])
    colour = models.CharField(max_length=7, default="#5c6472", validators=[COLOUR_VALIDATOR])
    position = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["field", "slug"], name="an_option_has_its_own_slug_in_a_field"),
            models.UniqueConstraint("field", Lower("name"), name="an_option_has_its_own_name_in_a_field"),
            # Referenced by the composite foreign key of values, see the migration.
            models.UniqueConstraint(fields=["id", "field"], name="an_option_can_be_referred_to_with_its_field"),
        ]

    def __str__(self) -> str:
        return self.name


class ProjectField(models.Model):
    """A field, own or shared, as one of a project's fields in their order."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="project_fields", db_index=False)
    field = models.ForeignKey(CustomField, on_delete=models.CASCADE, related_name="in_projects")
    # That of the field, so that own and shared ones cannot have the same.
    key = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "field"], name="a_field_is_in_a_project_once"),
            models.UniqueConstraint(fields=["project", "key"], name="a_project_has_one_field_of_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.key} in {self.project_id}"


def _only_with(kinds: tuple[str, ...], column: str) -> Q:
    """Return the rule that only rows of these kinds have a value in the column."""
    return Q(kind__in=kinds, **{f"{column}__isnull": False}) | (~Q(kind__in=kinds) & Q(**{column: None}))


class CustomFieldValue(models.Model):
    """Value of a task in a field; of a multi-select one row for each option.

    A missing row is no value. A checkbox has a row while it is ticked.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of its own for these foreign keys: constraints and indexes below begin with them.
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="field_values", db_index=False)
    field = models.ForeignKey(CustomField, on_delete=models.CASCADE, related_name="task_values", db_index=False)
    # That of the field: a foreign key keeps the two equal, also when the field's changes.
    kind = models.CharField(max_length=12, choices=FieldKind)
    text = models.TextField(null=True, blank=True, max_length=MAX_TEXT_LENGTH)
    number = models.DecimalField(null=True, blank=True, max_digits=21, decimal_places=6)
    date = models.DateField(null=True, blank=True)
    option = models.ForeignKey(
        CustomFieldOption, on_delete=models.CASCADE, null=True, blank=True, related_name="task_values", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="field_values",
        db_index=False,
    )
    checked = models.BooleanField(null=True, blank=True)

    class Meta:
        constraints = [
            # Without the option for most kinds, so that a task has one row of a field; one for each option of a
            # multi-select.
            models.UniqueConstraint(
                fields=["task", "field", "option"], nulls_distinct=False, name="a_task_has_a_value_of_a_field_once"
            ),
            models.UniqueConstraint(
                fields=["task", "field"],
                condition=Q(kind=FieldKind.SELECT),
                name="a_task_has_one_option_of_a_select_field",
            ),
            models.CheckConstraint(name="a_text_value_is_text", condition=_only_with(TEXT_KINDS, "text")),
            models.CheckConstraint(name="a_text_value_is_not_empty", condition=~Q(text="")),
            models.CheckConstraint(
                name="a_number_value_is_a_number", condition=_only_with((FieldKind.NUMBER,), "number")
            ),
            models.CheckConstraint(name="a_date_value_is_a_date", condition=_only_with((FieldKind.DATE,), "date")),
            models.CheckConstraint(name="a_select_value_is_an_option", condition=_only_with(OPTION_KINDS, "option")),
            models.CheckConstraint(name="a_person_value_is_a_user", condition=_only_with((FieldKind.USER,), "user")),
            models.CheckConstraint(
                name="a_checkbox_value_is_ticked",
                condition=Q(kind=FieldKind.CHECKBOX, checked=True) | (~Q(kind=FieldKind.CHECKBOX) & Q(checked=None)),
            ),
        ]
        # One for each typed column, for filters and orders by it; a row is in those of its kind only.
        indexes = [
            models.Index(fields=["field", "task"], name="field_value_task"),
            models.Index(
                F("field"),
                Left("text", ORDERED_TEXT_LENGTH),
                F("task"),
                name="field_value_text",
                condition=Q(text__isnull=False),
            ),
            # Upper, because that is what Django's `icontains` compares.
            GinIndex(
                OpClass(Upper("text"), name="gin_trgm_ops"),
                name="field_value_text_trigram",
                condition=Q(text__isnull=False),
            ),
            models.Index(
                fields=["field", "number", "task"], name="field_value_number", condition=Q(number__isnull=False)
            ),
            models.Index(fields=["field", "date", "task"], name="field_value_date", condition=Q(date__isnull=False)),
            models.Index(fields=["option", "task"], name="field_value_option", condition=Q(option__isnull=False)),
            models.Index(fields=["user", "field", "task"], name="field_value_user", condition=Q(user__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.field_id} of {self.task_id}"

    @property
    def value(self) -> Any:
        """Return what the row holds, in the column of its kind."""
        values = (self.text, self.number, self.date, self.option_id, self.user_id, self.checked)
        return next((value for value in values if value is not None), None)
