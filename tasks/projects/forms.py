from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from core.forms import MarkdownField, PageForm, SingleLineField, show_initial
from tasks.models import Category, Project, WipPolicy
from tasks.models.project import MAX_WIP_LIMIT, PROJECT_KEY_VALIDATOR


def _choice(project: Project) -> tuple[str, str]:
    return (project.key, f"{project.name} ({project.key})")


class ProjectForm(PageForm):
    name = SingleLineField(max_length=120, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}))
    key = forms.CharField(
        max_length=10,
        help_text=gettext_lazy(
            "2 to 10 capital letters and digits, such as OPS. Task IDs will look like OPS-1, OPS-2."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "data-key-of": "name"}),
    )
    description = MarkdownField(required=False, max_length=20_000, rows=3)
    template = forms.ChoiceField(
        label=gettext_lazy("Copy settings from"),
        required=False,
        help_text=gettext_lazy(
            "Its statuses, labels, sections, fields and task templates, without its tasks and members."
        ),
    )

    parent = forms.ChoiceField(
        label=gettext_lazy("Parent project"),
        required=False,
        help_text=gettext_lazy("A project that you manage. Its members get no access to this one."),
    )

    def __init__(self, *args: Any, projects: Sequence[Project], parents: Sequence[Project], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["template"].choices = [("", gettext("Default settings")), *map(_choice, projects)]
        self.fields["parent"].choices = [("", gettext("None")), *map(_choice, parents)]

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"]).upper()
        PROJECT_KEY_VALIDATOR(key)
        return key


class ProjectUpdateForm(PageForm):
    """Without the key: it is in every link to a task."""

    name = SingleLineField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = MarkdownField(required=False, max_length=20_000, rows=4)
    wip_policy = forms.ChoiceField(
        label=gettext_lazy("When a status is full"),
        required=False,
        choices=[
            (WipPolicy.WARN, gettext_lazy("Warn, but allow more tasks")),
            (WipPolicy.REFUSE, gettext_lazy("Allow no more tasks")),
        ],
        help_text=gettext_lazy("For statuses with a limit of tasks."),
    )

    parent = forms.ChoiceField(
        label=gettext_lazy("Parent project"),
        required=False,
        help_text=gettext_lazy("A project that you manage. Its members get no access to this one."),
    )

    def __init__(self, *args: Any, parents: Sequence[Project], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["parent"].choices = [("", gettext("None")), *map(_choice, parents)]
        show_initial(self)

    def clean_wip_policy(self) -> str:
        return str(self.cleaned_data["wip_policy"] or self.initial["wip_policy"])


class StateForm(PageForm):
    """A status of the workflow: its name and its limit of tasks."""

    name = SingleLineField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    wip_limit = forms.IntegerField(label=gettext_lazy("Limit"), required=False, min_value=1, max_value=MAX_WIP_LIMIT)


class NewStateForm(StateForm):
    """A new status. Its category stays: statistics rely on it."""

    category = forms.ChoiceField(choices=Category.choices)
