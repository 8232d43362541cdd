from core.forms import PageForm, SingleLineField, TitleField


class TemplateNameForm(PageForm):
    name = SingleLineField(max_length=120)


class TemplateTaskForm(PageForm):
    """Title of a new task, instead of the template's."""

    title = TitleField(max_length=500, required=False)
