from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from accounts.models import Team
from core.forms import PageForm, SingleLineField
from tasks.filters.forms import ORDERING_CHOICES
from tasks.filters.grammar import MAX_LENGTH
from tasks.models import Project, SavedFilter

PRIVATE, EVERYONE = "", "everyone"
GROUPING_CHOICES = [
    ("", gettext_lazy("None")),
    ("section", gettext_lazy("Section")),
    ("state", gettext_lazy("Status")),
    ("assignee", gettext_lazy("Assignee")),
]


class SavedFilterForm(PageForm):
    """Name, text and audience of a saved filter."""

    field_aliases = {"project": "audience", "team": "audience", "everyone": "audience"}

    name = SingleLineField(max_length=100, help_text=gettext_lazy("For example “My overdue tasks”."))
    filter = forms.CharField(
        max_length=MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="Words such as state:open, assignee:@me or due<=@today+7. OR, parentheses and a leading - work too.",
    )
    audience = forms.ChoiceField(
        label=gettext_lazy("Share with"),
        required=False,
        help_text=gettext_lazy("Others get the filter, not your rights: everyone sees their own tasks."),
    )
    is_favourite = forms.BooleanField(label=gettext_lazy("Show first in the task list"), required=False)
    ordering = forms.ChoiceField(
        label=gettext_lazy("Sort"), required=False, choices=[("", "Default"), *ORDERING_CHOICES]
    )
    grouping = forms.ChoiceField(label=gettext_lazy("Group by"), required=False, choices=GROUPING_CHOICES)
    columns = forms.CharField(
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "In their order, separated by commas, such as title, status, due, field.cost. Empty for the defaults."
        ),
    )

    def __init__(self, data: Any, *, projects: Iterable[Project], teams: Iterable[Team], **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["audience"].choices = [
            (PRIVATE, gettext("Only me")),
            *((f"project:{project.pk}", gettext("Project %(name)s") % {"name": project.name}) for project in projects),
            *((f"team:{team.pk}", gettext("Team %(name)s") % {"name": team.name}) for team in teams),
            (EVERYONE, gettext("Everyone")),
        ]

    def values(self) -> dict[str, Any]:
        """Return the cleaned data by the names of the service."""
        data = dict(self.cleaned_data)
        data["columns"] = [name.strip() for name in data["columns"].split(",") if name.strip()]
        kind, _, key = data.pop("audience").partition(":")
        return {
            **data,
            "project": key if kind == "project" else None,
            "team": key if kind == "team" else None,
            "everyone": kind == EVERYONE,
        }


def audience_of(saved_filter: SavedFilter) -> str:
    """Return the choice of a saved filter's audience."""
    if saved_filter.everyone:
        return EVERYONE
    if saved_filter.project_id:
        return f"project:{saved_filter.project_id}"
    return f"team:{saved_filter.team_id}" if saved_filter.team_id else PRIVATE
