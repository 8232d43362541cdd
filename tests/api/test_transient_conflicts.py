"""Who is undone because somebody was in their way is told so by the door they came to, and stands in the log once."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest
from django.test import Client
from django.urls import path
from psycopg.errors import DeadlockDetected, ForeignKeyViolation, SerializationFailure
from rest_framework.request import Request
from structlog.testing import capture_logs

from config import urls
from core.api.views import ApiView

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
CONFLICT_CAUSES = {
    "deadlock": DeadlockDetected,
    "serialization_failure": SerializationFailure,
    "foreign_key": ForeignKeyViolation,
}
PAGE_PATH, API_PATH, HEADLESS_PATH = "/lost/", "/api/v1/lost/", "/_allauth/app/v1/lost/"


def raise_conflict(request: HttpRequest | Request) -> None:
    cause = CONFLICT_CAUSES[request.GET["to"]]("first line\nsecond line")
    raise (IntegrityError if request.GET["to"] == "foreign_key" else OperationalError)(str(cause)) from cause


class ConflictView(ApiView):
    permission_classes = ()
    authentication_classes = ()

    def get(self, request: Request) -> None:
        raise_conflict(request)


urlpatterns = [
    path(PAGE_PATH[1:], raise_conflict),
    path(API_PATH[1:], ConflictView.as_view()),
    path(HEADLESS_PATH[1:], raise_conflict),
    *urls.urlpatterns,
]


def request_conflict(door: str, cause: str) -> tuple[int, str, list[tuple[str, str]]]:
    with capture_logs() as lines:
        answer = Client(raise_request_exception=False).get(door, {"to": cause})
    told = [(line["event"], line["reason"]) for line in lines if line["event"] in CONFLICT_CAUSES]
    return answer.status_code, answer.headers.get("Retry-After", ""), told


@pytest.mark.parametrize("cause", ["deadlock", "serialization_failure"])
@pytest.mark.parametrize("door", [PAGE_PATH, API_PATH, HEADLESS_PATH])
def test_who_was_undone_may_come_again_and_is_named_in_the_log_once(door, cause):
    assert request_conflict(door, cause) == (503, "1", [(cause, "first line")])


@pytest.mark.parametrize("door", [PAGE_PATH, API_PATH, HEADLESS_PATH])
def test_what_rested_on_something_that_is_gone_is_a_conflict_and_nothing_for_the_log(door):
    assert request_conflict(door, "foreign_key") == (409, "", [])
