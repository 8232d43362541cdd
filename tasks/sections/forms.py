from django import forms

from core.forms import PageForm, SingleLineField


class SectionForm(PageForm):
    name = SingleLineField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class SectionUpdateForm(SectionForm):
    """The name of a section, or its place alone, as the arrows send it."""

    name = SingleLineField(max_length=120, required=False)
    position = forms.IntegerField(required=False, min_value=0, max_value=32_767)
