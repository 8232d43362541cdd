from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics.audit.selectors import KINDS
from core.forms import PageForm


class AuditFilterForm(PageForm):
    """Filters of the audit view, taken from the query string."""

    actor = forms.CharField(label=_("Who"), required=False, max_length=60)
    kind = forms.ChoiceField(label=_("What"), required=False, choices=[("", _("Everything")), *KINDS.items()])
    subject = forms.CharField(label=_("Task, project or user"), required=False, max_length=60)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def arguments(self) -> dict[str, Any]:
        """Return the valid filters as the selector takes them."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
