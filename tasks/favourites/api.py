from __future__ import annotations

from typing import Any, ClassVar

from core.api.fields import StrictCharField, StrictSerializer
from core.api.generics import ActionView
from tasks.favourites import services
from tasks.project_scope import project_in_path


class FavouriteView(ActionView):
    """Put a project among the caller's favourites, as the last one."""

    operation_ids = {"post": "add_favourite_project"}
    api_key_scope = {"POST": "projects:write"}
    project_from = project_in_path
    has_versions = False
    success_status = 204
    is_favourite: ClassVar[bool] = True

    def perform_action(self, data: dict[str, Any], ref: str) -> None:
        services.set_favourite(actor=self.user, ref=ref, is_favourite=self.is_favourite)


class UnfavouriteView(FavouriteView):
    """Take a project out of the caller's favourites."""

    operation_ids = {"post": "remove_favourite_project"}
    is_favourite = False


class MoveFavouriteInput(StrictSerializer):
    """One neighbour: the favourite before or after which the project is to stand."""

    before = StrictCharField(max_length=40, required=False, help_text="Id or key of another favourite.")
    after = StrictCharField(max_length=40, required=False, help_text="Id or key of another favourite.")


class MoveFavouriteView(ActionView):
    """Move a favourite directly before or after another one."""

    operation_ids = {"post": "move_favourite_project"}
    api_key_scope = {"POST": "projects:write"}
    project_from = project_in_path
    input_serializer_class = MoveFavouriteInput
    has_versions = False
    success_status = 204

    def perform_action(self, data: dict[str, Any], ref: str) -> None:
        services.move(actor=self.user, ref=ref, **data)
