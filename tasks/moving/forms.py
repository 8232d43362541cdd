from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext

from core.forms import PageForm
from tasks.models import Project, Section


class MoveForm(PageForm):
    """Project and section to move a task to."""

    project = forms.ChoiceField()
    section = forms.ChoiceField(required=False)

    def __init__(
        self, *args: Any, projects: Iterable[Project], sections: Iterable[Section] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        choices = [(str(project.pk), f"{project.name} ({project.key})") for project in projects]
        self.fields["project"].choices = [("", gettext("Choose a project")), *choices]
        self.fields["section"].choices = [
            ("", gettext("The one of the same name, or none")),
            *((str(section.pk), section.name) for section in sections),
        ]
