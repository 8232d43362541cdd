from core.forms import PageForm, SingleLineField


class TemplateNameForm(PageForm):
    name = SingleLineField(max_length=120)
