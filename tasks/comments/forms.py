from django import forms

from core.forms import PageForm


class CommentForm(PageForm):
    body = forms.CharField(
        label="Comment",
        max_length=20_000,
        help_text="Markdown. @handle tells a person.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
