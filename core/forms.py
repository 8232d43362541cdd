"""Forms that name their errors to assistive technology, and take a service's refusal as their own."""

from __future__ import annotations

from django import forms

from core.errors import DomainError


class PageForm(forms.Form):
    def add_refusal(self, refusal: DomainError) -> None:
        """Show what a service refused beside the fields it named; the rest above the form."""
        for field, _, message in refusal.fields:
            self.add_error(field if field in self.fields else None, message)
        if not refusal.fields:
            self.add_error(None, refusal.detail)
