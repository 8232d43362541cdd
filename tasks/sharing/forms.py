from django import forms

from tasks.members.forms import MemberForm, RoleForm
from tasks.models import Role, SharedRole


class SharedRoleForm(RoleForm):
    role = forms.ChoiceField(choices=SharedRole.choices)


class ShareForm(MemberForm):
    role = forms.ChoiceField(choices=SharedRoleForm.base_fields["role"].choices, initial=Role.VIEWER)
