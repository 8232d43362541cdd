from core.forms import MarkdownField, PageForm


class CommentForm(PageForm):
    body = MarkdownField(
        label="Comment", max_length=20_000, rows=3, help_text="Supports Markdown. Type @ to mention someone."
    )
