from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from core.forms import PageForm
from tasks.models import Project


class ImportForm(PageForm):
    project = forms.ChoiceField()
    file = forms.FileField(
        label=gettext_lazy("Todoist export (CSV)"), widget=forms.FileInput(attrs={"accept": ".csv,text/csv"})
    )

    def __init__(self, *args: Any, projects: Sequence[Project], **options: Any) -> None:
        super().__init__(*args, **options)
        names = [(str(project.pk), f"{project.name} ({project.key})") for project in projects]
        # Nothing is preselected: an import into the wrong project cannot be undone.
        self.fields["project"].choices = [("", gettext("Choose a project")), *names]
