"""Reference applications: the task list in plain DRF, and a WSGI application that says hello.

The list is written as the tutorials do: ModelViewSet, ModelSerializer and simplejwt.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
application = get_wsgi_application()  # the imports below need the loaded apps

from django.urls import include, path  # noqa: E402
from rest_framework import pagination, routers, serializers, viewsets  # noqa: E402
from rest_framework.renderers import JSONRenderer  # noqa: E402
from rest_framework_simplejwt.authentication import JWTAuthentication  # noqa: E402

from accounts.models import User  # noqa: E402
from tasks.models import Label, Project, Task  # noqa: E402


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "name", "handle", "role"]


class ProjectSerializer(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["id", "key", "name"]


class LabelSerializer(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["name"]


class TaskSerializer(serializers.ModelSerializer[Task]):
    project = ProjectSerializer()
    creator = UserSerializer()
    assignees = UserSerializer(many=True)
    labels = LabelSerializer(many=True)

    class Meta:
        model = Task
        exclude = ["search", "description"]


class TaskCursorPagination(pagination.CursorPagination):
    ordering = "-created_at"
    page_size = 20


class TaskViewSet(viewsets.ModelViewSet[Task]):
    authentication_classes = [JWTAuthentication]
    renderer_classes = [JSONRenderer]
    serializer_class = TaskSerializer
    pagination_class = TaskCursorPagination

    def get_queryset(self) -> Any:
        rows = Task.objects.filter(project__members=self.request.user.pk)
        return rows.select_related("project", "creator").prefetch_related("assignees", "labels")


router = routers.SimpleRouter()
router.register("tasks", TaskViewSet, basename="task")
urlpatterns = [path("", include(router.urls))]
settings.ROOT_URLCONF = __name__


def hello_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
