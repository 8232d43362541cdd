from collections.abc import Sequence
from typing import Any

from django import forms

from core.forms import MarkdownField, PageForm, SingleLineField, show_initial
from tasks.models import Category, Project, WipPolicy
from tasks.models.project import MAX_WIP_LIMIT, PROJECT_KEY_VALIDATOR


class ProjectForm(PageForm):
    name = SingleLineField(max_length=120, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}))
    key = forms.CharField(
        max_length=10,
        help_text="2 to 10 capital letters and digits, such as OPS. Task IDs will look like OPS-1, OPS-2.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    description = MarkdownField(required=False, max_length=20_000, rows=3)
    template = forms.ChoiceField(
        label="Settings of",
        required=False,
        help_text="Copies statuses, labels, sections, fields and task templates of a project, not its tasks or members.",
    )

    def __init__(self, *args: Any, projects: Sequence[Project], **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(project.key, f"{project.name} ({project.key})") for project in projects]
        self.fields["template"].choices = [("", "The usual settings"), *choices]

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"]).upper()
        PROJECT_KEY_VALIDATOR(key)
        return key


class ProjectUpdateForm(PageForm):
    """Without the key: it is in every link to a task."""

    name = SingleLineField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = MarkdownField(required=False, max_length=20_000, rows=4)
    wip_policy = forms.ChoiceField(
        label="Full statuses",
        required=False,
        choices=[(WipPolicy.WARN, "Warn, and accept the task"), (WipPolicy.REFUSE, "Refuse the task")],
        help_text="What happens when a task enters a status that has reached its limit.",
    )

    parent = forms.ChoiceField(
        label="Below", required=False, help_text="A project that you manage. Its members get no access to this one."
    )

    def __init__(self, *args: Any, parents: Sequence[Project], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["parent"].choices = [
            ("", "No project"),
            *((project.key, f"{project.name} ({project.key})") for project in parents),
        ]
        show_initial(self)

    def clean_wip_policy(self) -> str:
        return str(self.cleaned_data["wip_policy"] or self.initial["wip_policy"])


class StateForm(PageForm):
    """A status of the workflow: its name and its limit of tasks."""

    name = SingleLineField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    wip_limit = forms.IntegerField(label="Limit", required=False, min_value=1, max_value=MAX_WIP_LIMIT)


class NewStateForm(StateForm):
    """A new status. Its category stays: statistics rely on it."""

    category = forms.ChoiceField(choices=Category.choices)
