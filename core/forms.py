"""Forms that name their errors to assistive technology, and take a service's refusal as their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from core.errors import DomainError
from core.validators import validate_single_line


class SingleLineField(forms.CharField):
    """A name: one line of visible text."""

    default_validators = [validate_single_line]


class PageForm(forms.Form):
    def add_domain_error(self, error: DomainError) -> None:
        """Show what a service refused beside the fields it named; the rest above the form."""
        for field, _, message in error.fields:
            self.add_error(field if field in self.fields else None, message)
        if not error.fields:
            self.add_error(None, error.detail)


def form_status(form: Any) -> int:
    """The status of the page that shows this form: 422 when what was sent in it is wrong."""
    return 422 if form.is_bound and form.errors else 200


def expected_version(request: HttpRequest) -> frozenset[int] | None:
    """The version the person looked at; None, which skips the check, when the form did not say."""
    sent = request.POST.get("version", "")
    return frozenset({int(sent)}) if sent.isascii() and sent.isdecimal() and len(sent) < 10 else None
