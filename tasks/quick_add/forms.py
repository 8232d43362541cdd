from django import forms
from django.utils.translation import gettext_lazy

from core.forms import PageForm, TitleField
from tasks.quick_add.parsing import MAX_LENGTH


class QuickAddForm(PageForm):
    text = TitleField(
        label=gettext_lazy("Task"),
        max_length=MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
        help_text=gettext_lazy("Like: Pay rent tomorrow 9am #home @ana +bills !high ~30m every month"),
    )
    project = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
