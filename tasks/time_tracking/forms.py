from django import forms

from core.forms import PageForm, TextField
from tasks.models.time_entry import MAX_ENTRY_MINUTES, MAX_NOTE_LENGTH


class TimeEntryForm(PageForm):
    """Minutes and a note; the start is left to the API."""

    prefix = "time"

    minutes = forms.IntegerField(min_value=1, max_value=MAX_ENTRY_MINUTES)
    note = TextField(required=False, max_length=MAX_NOTE_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"}))
