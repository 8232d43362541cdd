"""Endpoint of the sample project."""

from __future__ import annotations

from typing import Any

from core.api.endpoints import all_projects
from core.api.generics import CreateView
from tasks.models import Project
from tasks.projects import selectors as projects_selectors
from tasks.projects.serializers import ProjectOut
from tasks.sample_project import services


class SampleProjectView(CreateView):
    """Creation of a sample project with tasks in every state, to try things out; delete it like any project."""

    operation_ids = {"post": "create_sample_project"}
    api_key_scope = {"POST": "projects:write"}
    # A key that is limited to some projects can't create one.
    project_from = all_projects
    serializer_class = ProjectOut

    def create_object(self, data: dict[str, Any]) -> Project:
        project = services.create(actor=self.user, now=self.now)
        # Read again, with the counts that the list has.
        return projects_selectors.get_project(self.user, project.key)
