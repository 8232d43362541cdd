"""Forms of the task pages. Rules are checked by the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from accounts.models import User
from core.forms import MarkdownField, PageForm, TitleField, initial_values, show_initial
from core.text import join_names, normalize, split_names
from core.validators import validate_single_line
from tasks.models import Category, Label, Priority, Project, Section, State, Task
from tasks.projects.labels import MAX_LABELS

PRIORITY_CHOICES = [(value, label) for value, label in reversed(Priority.choices)]


def _date_field(label: str, **options: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget, **options)


class LabelsField(forms.CharField):
    """Names separated by commas, in the order given, each once. A name with a comma is quoted."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            max_length=1000,
            help_text=gettext("Separate with commas; quote a label that holds one."),
            **options,
        )

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else join_names(value)

    def clean(self, value: Any) -> Any:
        """Return the names as a list."""
        names = split_names(normalize(super().clean(value)))
        max_length = Label._meta.get_field("name").max_length or 0
        if any(len(name) > max_length for name in names):
            raise forms.ValidationError(
                gettext("A label has at most %(max_length)s characters.") % {"max_length": max_length},
                code="max_length",
            )
        if len(names) > MAX_LABELS:
            raise forms.ValidationError(
                gettext("A task has at most %(max_labels)s labels.") % {"max_labels": MAX_LABELS}, code="too_many"
            )
        for name in names:
            validate_single_line(name)
        return names

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the names differ from the initial ones."""
        # The initial value is a list, or text where it comes from the hidden field.
        return bool(self.prepare_value(initial or "") != self.prepare_value(data or ""))


class TaskForm(PageForm):
    """Form of a task. Each field carries its initial value, so that only changed fields are written."""

    field_aliases: ClassVar = {"due_at": "due_date"}

    title = TitleField(max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = MarkdownField(required=False, max_length=50_000, rows=6, help_text=gettext_lazy("Supports Markdown."))
    status = forms.ChoiceField(required=False)
    priority = forms.TypedChoiceField(choices=PRIORITY_CHOICES, coerce=int, empty_value=0, required=False)
    assignees = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    labels = LabelsField()
    start_date = _date_field("Start")
    due_date = _date_field("Due")
    due_time = forms.TimeField(
        label=gettext_lazy("Due time"),
        required=False,
        help_text=gettext_lazy("Leave empty for all day."),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    estimate = forms.IntegerField(
        label=gettext_lazy("Estimate (minutes)"), required=False, min_value=0, max_value=1_000_000
    )
    parent = forms.ChoiceField(label=gettext_lazy("Parent task"), required=False)
    section = forms.ChoiceField(required=False)

    def __init__(
        self,
        *args: Any,
        people: Sequence[User],
        states: Sequence[State],
        parents: Sequence[tuple[UUID, str]] = (),
        sections: Sequence[Section] = (),
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.people = people
        self.fields["assignees"].choices = [(str(user.pk), user.name) for user in people]
        self.fields["status"].choices = [(state.slug, state.name) for state in states]
        # The key t of a task's page chooses it.
        self.done_status = next((state.slug for state in states if state.category == Category.DONE), "")
        self.fields["parent"].choices = [("", gettext("None")), *((str(key), name) for key, name in parents)]
        self.fields["section"].choices = [
            ("", gettext("None")),
            *((str(section.pk), section.name) for section in sections),
        ]
        # A field that only another user changed is not written back.
        show_initial(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("due_time") and not cleaned.get("due_date"):
            # On the field that is empty, because that is where something must be done.
            self.add_error("due_date", gettext("A time needs a day."))
        return cleaned

    def changes(self) -> dict[str, Any]:
        """Return the changed fields as `items.services.update` takes them."""
        return _to_changes(self.cleaned_data, set(self.changed_data))

    def initial_changes(self) -> dict[str, Any]:
        """Return all fields as they were when the form was rendered, like `changes`."""
        values = initial_values(self)
        if "priority" in values:
            values["priority"] = int(values["priority"]) if str(values["priority"]).isdecimal() else None
        if "labels" in values:
            values["labels"] = split_names(str(values["labels"] or ""))
        return _to_changes(values, set(values))


def _to_changes(values: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """Return these fields as a service takes them.

    That is `due_date` for a day, and `due_at` for a day with a local time.
    """
    changes = {name: values[name] for name in names - {"due_date", "due_time", "parent", "section"}}
    for name in names & {"parent", "section"}:
        changes[name] = values[name] or None
    if names & {"due_date", "due_time"}:
        day, clock = values.get("due_date"), values.get("due_time")
        # In the time zone of the reader, which a middleware has activated.
        instant = timezone.make_aware(datetime.combine(day, clock)) if day and clock else None
        changes |= {"due_date": None if instant else day, "due_at": instant}
    return changes


class SharedTaskForm(TaskForm):
    """Form of a task for a guest: without the fields that only members of its project may change."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Their choices would name people and tasks of a project that a guest does not see.
        for name in ("assignees", "labels", "parent", "section"):
            del self.fields[name]


def initial_data(task: Task) -> dict[str, Any]:
    """Return the initial values of a task's form."""
    local = timezone.localtime(task.due_at) if task.due_at else None
    return {
        **{name: getattr(task, name) for name in Task.SCALAR_FIELDS},
        "status": task.state.slug,
        "assignees": [str(user.pk) for user in task.assignees.all()],
        "labels": sorted(label.name for label in task.labels.all()),
        "due_date": local.date() if local else task.due_date,
        "due_time": local.time() if local else None,
        "parent": str(task.parent_id or ""),
        "section": str(task.section_id or ""),
        "version": task.version,
    }


class NewTaskForm(PageForm):
    """Form of a new task. It has one assignee where the service takes several."""

    field_aliases: ClassVar = {"assignees": "assignee"}

    title = TitleField(max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}))
    project = forms.ChoiceField(required=False)
    description = MarkdownField(required=False, max_length=50_000, rows=5, help_text=gettext_lazy("Supports Markdown."))
    priority = forms.TypedChoiceField(
        choices=PRIORITY_CHOICES, coerce=int, empty_value=0, required=False, initial=Priority.NONE
    )
    assignee = forms.ChoiceField(required=False)
    section = forms.ChoiceField(required=False)
    due_date = _date_field("Due")
    labels = LabelsField()

    def __init__(
        self,
        *args: Any,
        projects: Sequence[Project],
        people: Sequence[User],
        sections: Sequence[Section] = (),
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.fields["section"].choices = [
            ("", gettext("None")),
            *((str(section.pk), section.name) for section in sections),
        ]
        own = [(str(project.pk), f"{project.name} ({project.key})") for project in projects if not project.is_inbox]
        personal = next((str(project.pk) for project in projects if project.is_inbox), "")
        self.fields["project"].choices = [(personal, gettext("Personal")), *own]
        self.people = people
        self.fields["assignee"].choices = [("", gettext("Unassigned")), *((str(user.pk), user.name) for user in people)]
        self.fields["assignee"].error_messages["invalid_choice"] = gettext("Choose a member of the project.")
        attributes = {"hx-get": reverse("task-new"), "hx-target": "#assignee-field", "hx-swap": "outerHTML"}
        self.fields["project"].widget.attrs |= attributes | {"hx-trigger": "change", "hx-include": "this"}
