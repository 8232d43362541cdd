"""What people type on the pages of tasks and projects; rules are the services'."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone

from accounts.models import User
from core.forms import PageForm
from tasks.models import Priority, Project, State, Task

PRIORITY_CHOICES = [(value, label) for value, label in reversed(Priority.choices)]


def _date_field(label: str, **options: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget, **options)


class LabelsField(forms.CharField):
    """Names separated by commas; in the order given, without repetition."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=1000, help_text="Separated by commas.", **options)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else ", ".join(value)

    def clean(self, value: Any) -> Any:
        words = [word.strip() for word in super().clean(value).split(",")]
        return list(dict.fromkeys(word for word in words if word))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial or "") != self.prepare_value(data or ""))


class TaskForm(PageForm):
    """The fields of a task. With a task, each field carries what was shown, so only what was changed is sent on."""

    title = forms.CharField(max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(
        required=False, max_length=50_000, help_text="Markdown.", widget=forms.Textarea(attrs={"rows": 6})
    )
    status = forms.ChoiceField(required=False)
    priority = forms.TypedChoiceField(choices=PRIORITY_CHOICES, coerce=int, empty_value=0, required=False)
    assignees = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    labels = LabelsField()
    start_date = _date_field("Start")
    due_date = _date_field("Due")
    due_time = forms.TimeField(
        label="Due time",
        required=False,
        help_text="Empty: the whole day.",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    estimate = forms.IntegerField(label="Estimate (minutes)", required=False, min_value=0, max_value=1_000_000)
    parent = forms.ChoiceField(label="Parent task", required=False)

    def __init__(
        self,
        *args: Any,
        people: Sequence[User],
        states: Sequence[State],
        parents: Sequence[tuple[UUID, str]] = (),
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.fields["assignees"].choices = [(str(user.pk), user.name) for user in people]
        self.fields["status"].choices = [(state.slug, state.name) for state in states]
        self.fields["parent"].choices = [("", "None"), *((str(key), name) for key, name in parents)]
        for field in self.fields.values():
            field.show_hidden_initial = True

    def clean_description(self) -> str:
        """Browsers send line ends as CR LF; Markdown and the history want LF."""
        return str(self.cleaned_data["description"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("due_time") and not cleaned.get("due_date"):
            self.add_error("due_date", "A time needs a day.")
        return cleaned

    def changes(self) -> dict[str, Any]:
        """The fields that were changed, under the names and values the service takes."""
        changed = set(self.changed_data)
        apart = {"due_date", "due_time", "parent"}
        found = {name: self.cleaned_data[name] for name in self.fields if name in changed - apart}
        if "parent" in changed:
            found["parent"] = self.cleaned_data["parent"] or None
        if changed & {"due_date", "due_time"}:
            found |= self.due()
        return found

    def due(self) -> dict[str, Any]:
        """A day alone is a day; a day and a time are an instant in the reader's zone."""
        day, clock = self.cleaned_data.get("due_date"), self.cleaned_data.get("due_time")
        if not (day and clock):
            return {"due_date": day, "due_at": None}
        return {"due_date": None, "due_at": timezone.make_aware(datetime.combine(day, clock))}


class SharedTaskForm(TaskForm):
    """For who was let see this one task: without what ties it to its project."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("assignees", "labels", "parent"):
            del self.fields[name]


def initial_data(task: Task) -> dict[str, Any]:
    """What a task's form shows at first."""
    local = timezone.localtime(task.due_at) if task.due_at else None
    return {
        "title": task.title,
        "description": task.description,
        "status": task.state.slug,
        "priority": task.priority,
        "assignees": [str(user.pk) for user in task.assignees.all()],
        "labels": sorted(label.name for label in task.labels.all()),
        "start_date": task.start_date,
        "due_date": local.date() if local else task.due_date,
        "due_time": local.time() if local else None,
        "estimate": task.estimate,
        "parent": str(task.parent_id or ""),
        "version": task.version,
    }


class NewTaskForm(PageForm):
    title = forms.CharField(max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}))
    project = forms.ChoiceField(required=False)
    description = forms.CharField(
        required=False, max_length=50_000, help_text="Markdown.", widget=forms.Textarea(attrs={"rows": 5})
    )
    priority = forms.TypedChoiceField(
        choices=PRIORITY_CHOICES, coerce=int, empty_value=0, required=False, initial=Priority.NONE
    )
    assignee = forms.ChoiceField(required=False)
    due_date = _date_field("Due")
    labels = LabelsField()

    def __init__(self, *args: Any, projects: Sequence[Project], people: Sequence[User], **options: Any) -> None:
        super().__init__(*args, **options)
        own = [(str(one.pk), f"{one.name} ({one.key})") for one in projects if not one.is_inbox]
        self.fields["project"].choices = [
            ("", "My inbox"),
            *((str(p.pk), "My inbox") for p in projects if p.is_inbox),
            *own,
        ]
        self.fields["assignee"].choices = [("", "Nobody"), *((str(user.pk), user.name) for user in people)]
