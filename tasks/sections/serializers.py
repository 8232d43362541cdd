from rest_framework import serializers

from core.api.fields import SingleLineField, StrictIntegerField, StrictSerializer
from tasks.models import Section


class SectionInput(StrictSerializer):
    name = SingleLineField(max_length=120)


class SectionPatch(SectionInput):
    position = StrictIntegerField(min_value=0, max_value=32_767, help_text="Place in the order, counted from 0.")


class SectionOut(serializers.ModelSerializer[Section]):
    class Meta:
        model = Section
        fields = ["id", "name", "position", "version", "created_at"]
