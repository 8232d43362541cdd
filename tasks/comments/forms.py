from django.utils.translation import gettext_lazy

from core.forms import MarkdownField, PageForm


class CommentForm(PageForm):
    body = MarkdownField(
        label=gettext_lazy("Comment"),
        max_length=20_000,
        rows=3,
        help_text=gettext_lazy("Supports Markdown. Type @ to mention someone."),
    )
