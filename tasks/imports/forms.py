from collections.abc import Sequence
from typing import Any

from django import forms

from core.forms import PageForm
from tasks.models import Project


class ImportForm(PageForm):
    project = forms.ChoiceField()
    file = forms.FileField(label="Todoist export (CSV)", widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}))

    def __init__(self, *args: Any, projects: Sequence[Project], **options: Any) -> None:
        super().__init__(*args, **options)
        names = [(str(project.pk), f"{project.name} ({project.key})") for project in projects]
        # Nothing is preselected: an import into the wrong project cannot be undone.
        self.fields["project"].choices = [("", "Choose a project"), *names]
