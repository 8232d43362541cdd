"""What allauth's forms for new people ask beside the address and the password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from core.forms import SingleLineField


class SignupForm(forms.Form):
    name = SingleLineField(max_length=120, required=False)

    def signup(self, request: HttpRequest, user: Any) -> None:
        """Nothing is left to do: the adapter has registered the person, with their name."""
