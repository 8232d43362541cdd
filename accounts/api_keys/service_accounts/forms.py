from django import forms

from core.forms import PageForm, SingleLineField


class ServiceAccountForm(PageForm):
    name = SingleLineField(label="Name", max_length=120, help_text="What the program is called in histories and lists.")
    role = forms.ChoiceField(
        label="Role",
        choices=[("user", "User: what its projects give it"), ("staff", "Staff: reads every project")],
        initial="user",
    )
