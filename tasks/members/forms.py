from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from accounts.models import Team, User
from core.errors import Invalid
from core.forms import EmailField, PageForm
from tasks.models import Role


class MemberForm(PageForm):
    user = forms.UUIDField(label=gettext_lazy("Person"), widget=forms.Select)
    role = forms.ChoiceField(choices=[(role.value, role.label) for role in Role], initial=Role.EDITOR)

    def __init__(self, *args: Any, people: Sequence[User], **options: Any) -> None:
        super().__init__(*args, **options)
        named = [(str(user.pk), f"{user.name} · @{user.handle}") for user in people]
        # Choices of the widget only: the service decides whether an id is valid.
        self.fields["user"].widget.choices = [("", gettext("Choose a person")), *named]


class RoleForm(PageForm):
    role = forms.ChoiceField(choices=[(role.value, role.label) for role in Role])


class ProjectTeamForm(PageForm):
    team = forms.UUIDField(widget=forms.Select)
    role = forms.ChoiceField(choices=RoleForm.base_fields["role"].choices, initial=Role.EDITOR)

    def __init__(self, *args: Any, teams: Sequence[Team], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["team"].widget.choices = [
            ("", gettext("Choose a team")),
            *((str(one.pk), one.name) for one in teams),
        ]


class InvitationForm(RoleForm):
    email = EmailField()


def cleaned_role(form: RoleForm) -> str:
    """Return the role of a form. Raises Invalid for an unknown one."""
    if not form.is_valid():
        # Only a changed request can name one: the page offers the roles in a list.
        raise Invalid.field("role", gettext("There is no such role."))
    return str(form.cleaned_data["role"])
