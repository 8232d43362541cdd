"""Forms of pages, which show the domain errors of services as their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from core.errors import DomainError
from core.validators import validate_single_line


class SingleLineField(forms.CharField):
    """One line of visible text, like a name."""

    default_validators = [validate_single_line]


class PageForm(forms.Form):
    def add_domain_error(self, error: DomainError) -> None:
        """Show a domain error beside its fields, or above the form if it names none."""
        for field, _, message in error.fields:
            self.add_error(field if field in self.fields else None, message)
        if not error.fields:
            self.add_error(None, error.detail)


def form_status(form: Any) -> int:
    """Return the status of the page that shows this form: 422 if it was submitted with errors."""
    return 422 if form.is_bound and form.errors else 200


def expected_version(request: HttpRequest) -> frozenset[int] | None:
    """Return the version the form was rendered with; None, which accepts any, if it has none."""
    version = request.POST.get("version", "")
    # isascii, because isdecimal alone accepts digits of other scripts.
    return frozenset({int(version)}) if version.isascii() and version.isdecimal() and len(version) < 10 else None
