"""API of users: the caller's own account, other users, avatars, and the staff directory."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.auth.sessions import cache
from accounts.models import Avatar, User
from accounts.users import administration, selectors, services
from accounts.users.image_processing import MAX_BYTES
from accounts.users.responses import avatar_response
from accounts.users.serializers import (
    AvatarInput,
    AvatarQuery,
    DirectoryPatch,
    DirectoryQuery,
    DirectoryUserOut,
    MeOut,
    ProfilePatch,
    UserOut,
    UserQuery,
)
from core.api.endpoints import BodyLimit, no_projects
from core.api.generics import ApiView, DeleteView, DetailView, ListView, UpdateView
from core.api.pagination import Sort
from core.api.query_params import parse_query
from core.etags import object_etag
from core.rate_limits import Use, consume
from core.serialization import dumps
from core.uploads import read_single_upload


class MeView(UpdateView):
    """The caller's own account."""

    operation_ids = {"get": "get_me", "patch": "update_me"}
    cacheable = True
    mfa_exempt = {"GET"}
    api_key_scope = {"GET": "me:read", "PATCH": None}
    project_from = no_projects
    serializer_class = MeOut
    patch_serializer_class = ProfilePatch
    update_service = services.update_profile

    def get(self, request: Request) -> HttpResponse:
        # The profile is cached with its version, so the ETag matches the cached body.
        parse_query(self.query_serializer_class, request.query_params)
        profile = cache.get_or_build_profile(self.user.pk, build=lambda: self.serialize(self.user))
        body = dumps(profile)
        etag = object_etag(profile["version"], body)
        return HttpResponse(body, content_type="application/json", headers={"ETag": etag})


class UsersView(ListView):
    """Active users, whom every signed-in user can find."""

    operation_ids = {"get": "list_users"}
    api_key_scope = {"GET": "users:read"}
    project_from = no_projects
    serializer_class = UserOut
    query_serializer_class = UserQuery
    ordering_fields = {"name": Sort("name")}
    default_ordering = "name"

    def get_queryset(self) -> QuerySet[User]:
        return selectors.list_active_users(self.params.get("search", ""))


class UserView(DetailView):
    """An active user."""

    operation_ids = {"get": "get_user"}
    api_key_scope = {"GET": "users:read"}
    project_from = no_projects
    serializer_class = UserOut
    has_versions = False

    def get_object(self, user_id: uuid.UUID) -> User:
        return selectors.get_user(user_id)


class WebpRenderer(BaseRenderer):
    """Accepts `image/webp` in content negotiation; the view returns the bytes itself."""

    media_type = "image/webp"
    format = "webp"


class MyAvatarView(DeleteView):
    """The caller's own picture."""

    operation_ids = {"delete": "remove_my_avatar"}
    max_body_size = BodyLimit.UPLOAD
    api_key_scope = None
    parser_classes = [MultiPartParser]
    serializer_class = MeOut

    @extend_schema(operation_id="set_my_avatar", request=AvatarInput, responses=MeOut)
    def post(self, request: Request) -> HttpResponse:
        data = read_single_upload(request._request.FILES, max_bytes=MAX_BYTES)
        # Also for a file that is refused below: decoding is expensive.
        consume(request._request, Use("picture", str(self.user.pk), settings.AVATAR_RATE))
        return self.object_response(services.set_avatar(actor=self.user, data=data))

    def delete_object(self) -> None:
        services.remove_avatar(actor=self.user, versions=self.versions)


class AvatarView(ApiView):
    """A user's picture."""

    api_key_scope = None
    http_method_names = ["get", "head"]
    renderer_classes = [WebpRenderer]
    query_serializer_class = AvatarQuery

    @extend_schema(
        operation_id="get_avatar", parameters=[AvatarQuery], responses={(200, "image/webp"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, user_id: uuid.UUID) -> HttpResponse:
        size = self.params.get("size", Avatar.SIZES[-1])
        digest, data = selectors.get_avatar(user_id, int(size))
        return avatar_response(data, digest, "private, no-cache")


class DirectoryView(ListView):
    """The staff directory: all users, active or not."""

    operation_ids = {"get": "list_directory"}
    api_key_scope = None
    serializer_class = DirectoryUserOut
    query_serializer_class = DirectoryQuery
    ordering_fields = {"name": Sort("name")}
    default_ordering = "name"
    list_selector = selectors.list_users


class DirectoryUserView(DetailView, UpdateView):
    """A user in the staff directory; administrators change role and activation."""

    operation_ids = {"get": "get_directory_user", "patch": "update_directory_user"}
    api_key_scope = None
    requires_recent_login = {"PATCH"}
    serializer_class = DirectoryUserOut
    patch_serializer_class = DirectoryPatch
    object_selector = selectors.get_user_for_staff

    def update_object(self, data: dict[str, Any], user_id: uuid.UUID) -> User:
        # Users outside of the directory (erased ones, service accounts) are not found here either.
        selectors.get_user_for_staff(self.user, user_id)
        administration.update_user(actor=self.user, user_id=user_id, changes=data, now=self.now, versions=self.versions)
        return selectors.get_user_for_staff(self.user, user_id)
