from django import forms

from core.forms import PageForm
from tasks.models import LinkRole


class LinkShareForm(PageForm):
    role = forms.ChoiceField(
        label="Visitors can",
        choices=[(LinkRole.VIEWER, "View"), (LinkRole.COMMENTER, "View and comment")],
        initial=LinkRole.VIEWER,
    )
    password = forms.CharField(
        label="Password (optional)",
        required=False,
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    expires_at = forms.DateTimeField(
        label="Expires (optional)", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
