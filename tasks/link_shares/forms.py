from django import forms
from django.utils.translation import gettext_lazy

from core.forms import PageForm
from tasks.models import LinkRole


class LinkShareForm(PageForm):
    role = forms.ChoiceField(
        label=gettext_lazy("Visitors can"),
        choices=[(LinkRole.VIEWER, "View"), (LinkRole.COMMENTER, gettext_lazy("View and comment"))],
        initial=LinkRole.VIEWER,
    )
    password = forms.CharField(
        label=gettext_lazy("Password (optional)"),
        required=False,
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Expires (optional)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
