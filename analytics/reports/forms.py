"""Filter bar of the reports, all of it in the URL."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext, gettext_lazy

from accounts.models import User
from analytics.reports.results import DEFAULT_RANGE, MAX_PEOPLE, MAX_REMAINING, RANGES
from core.forms import PageForm
from tasks.models import Project, SavedFilter
from tasks.saved_filters.selectors import MAX_CHOICES, list_for_navigation


class ReportForm(PageForm):
    """Project, range and the inputs of single reports; a range that is not known is the usual one."""

    project = forms.ChoiceField(label=gettext_lazy("Project"), required=False)
    range = forms.ChoiceField(required=False, choices=list(RANGES.items()), widget=forms.HiddenInput)
    filter = forms.ChoiceField(label=gettext_lazy("Saved filter"), required=False)
    remaining = forms.IntegerField(
        label=gettext_lazy("Remaining tasks"), required=False, min_value=0, max_value=MAX_REMAINING
    )
    people = forms.IntegerField(label=gettext_lazy("People"), required=False, min_value=1, max_value=MAX_PEOPLE)

    def __init__(self, data: QueryDict, *, projects: list[Project], user: User, inputs: tuple[str, ...]) -> None:
        values = {name: data.get(name, "") for name in self.base_fields}
        # An unknown range is no error: the URL may come from an old bookmark.
        values["range"] = values["range"] if values["range"] in RANGES else DEFAULT_RANGE
        super().__init__(values, auto_id="report_%s")
        for name in {"filter", "remaining", "people"} - set(inputs):
            del self.fields[name]
        names = [(project.key, project.name) for project in projects]
        # Of a project that is not among them (archived, or hidden) the page decides.
        if values["project"] and values["project"] not in dict(names):
            names.append((values["project"], values["project"]))
        self.fields["project"].choices = [("", gettext("All projects")), *names]
        if "filter" in self.fields:
            saved: list[SavedFilter] = list_for_navigation(user, limit=MAX_CHOICES)
            self.fields["filter"].choices = [("", gettext("All tasks")), *((str(item.pk), item.name) for item in saved)]

    def arguments(self) -> dict[str, Any]:
        """Return the valid values; an invalid one is left out, and the page shows its error."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}
