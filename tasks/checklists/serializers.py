from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import (
    SingleLineField,
    StrictBooleanField,
    StrictCharField,
    StrictDateField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)
from tasks.models import ChecklistItem
from tasks.models.checklist import MAX_ITEMS


class ChecklistItemInput(StrictSerializer):
    text = SingleLineField(max_length=500)
    assignee = StrictUUIDField(required=False, allow_null=True, help_text="Id of a member of the project.")
    due_date = StrictDateField(required=False, allow_null=True)


class ChecklistItemPatch(ChecklistItemInput):
    is_done = StrictBooleanField(required=False)
    position = StrictIntegerField(
        required=False, min_value=0, max_value=MAX_ITEMS, help_text="Place among the items, counted from 0."
    )


class ConvertTaskInput(StrictSerializer):
    parent = StrictCharField(
        max_length=40,
        required=False,
        help_text="Id or key of the task whose checklist gets the item; the parent's without it.",
    )


class ChecklistItemOut(serializers.ModelSerializer[ChecklistItem]):
    assignee = UserOut(allow_null=True)

    class Meta:
        model = ChecklistItem
        fields = ["id", "text", "is_done", "assignee", "due_date", "position", "version", "created_at", "done_at"]
