"""Forms that name their errors to assistive technology, and take a service's refusal as their own."""

from __future__ import annotations

from typing import Any

from django import forms

from core.errors import DomainError
from core.text import one_line


class LineField(forms.CharField):
    """A name: one line of visible text."""

    default_validators = [one_line]


class PageForm(forms.Form):
    def add_refusal(self, refusal: DomainError) -> None:
        """Show what a service refused beside the fields it named; the rest above the form."""
        for field, _, message in refusal.fields:
            self.add_error(field if field in self.fields else None, message)
        if not refusal.fields:
            self.add_error(None, refusal.detail)


def status_of(form: Any) -> int:
    """The status of the page that shows this form: 422 when what was sent in it is wrong."""
    return 422 if form.is_bound and form.errors else 200
