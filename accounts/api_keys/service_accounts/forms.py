"""The form for a new service account."""

from django import forms

from core.forms import PageForm, SingleLineField


class ServiceAccountForm(PageForm):
    name = SingleLineField(label="Name", max_length=120, help_text="How the program appears in lists and histories.")
    role = forms.ChoiceField(
        label="Role",
        choices=[("user", "User: access to its own projects"), ("staff", "Staff: can read every project")],
        initial="user",
    )
