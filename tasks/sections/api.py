from __future__ import annotations

import uuid

from core.api.generics import CreateView, DetailView, ListView, UpdateView
from core.api.pagination import Sort
from tasks.bulk import deletions
from tasks.bulk.api import DeleteByJobView
from tasks.models import BulkJob
from tasks.project_scope import project_in_path
from tasks.projects import selectors as projects_selectors
from tasks.sections import selectors, services
from tasks.sections.serializers import SectionInput, SectionOut, SectionPatch


class SectionsView(ListView, CreateView):
    """Sections of a project in their order."""

    operation_ids = {"get": "list_project_sections", "post": "add_project_section"}
    has_undo = True
    api_key_scope = {"GET": "projects:read", "POST": "projects:write"}
    project_from = project_in_path
    input_serializer_class = SectionInput
    serializer_class = SectionOut
    ordering_fields = {"position": Sort("position")}
    default_ordering = "position"
    has_location = True
    parent_selector = projects_selectors.get_project
    list_selector = selectors.list_sections
    create_service = services.create


class SectionView(DetailView, UpdateView, DeleteByJobView):
    """One section of a project."""

    operation_ids = {
        "get": "get_project_section",
        "patch": "update_project_section",
        "delete": "delete_project_section",
    }
    has_undo = True
    api_key_scope = {"GET": "projects:read", "PATCH": "projects:write", "DELETE": "projects:delete"}
    project_from = project_in_path
    patch_serializer_class = SectionPatch
    serializer_class = SectionOut
    parent_selector = projects_selectors.get_project
    object_selector = selectors.get_section
    update_service = services.update

    def delete_object(self, ref: str, section_id: uuid.UUID) -> BulkJob | None:
        return deletions.delete_section(
            actor=self.user, ref=ref, section_id=section_id, now=self.now, versions=self.versions
        )
