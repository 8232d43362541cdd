from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import PageForm


class HomeForm(PageForm):
    """Choice of the page that opens first."""

    home = forms.ChoiceField(label=_("First page"), help_text=_("Opens after signing in, and by the logo."))

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["home"].choices = choices
