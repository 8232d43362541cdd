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
from gateway.views import ApiView

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
CAUSES = {
    "deadlock": DeadlockDetected,
    "serialization_failure": SerializationFailure,
    "foreign_key": ForeignKeyViolation,
}
PAGE, API, PROGRAM = "/lost/", "/api/v1/lost/", "/_allauth/app/v1/lost/"


def lose(request: HttpRequest | Request) -> None:
    cause = CAUSES[request.GET["to"]]("first line\nsecond line")
    raise (IntegrityError if request.GET["to"] == "foreign_key" else OperationalError)(str(cause)) from cause


class Lost(ApiView):
    permission_classes = ()
    authentication_classes = ()

    def get(self, request: Request) -> None:
        lose(request)


urlpatterns = [
    path(PAGE[1:], lose),
    path(API[1:], Lost.as_view()),
    path(PROGRAM[1:], lose),
    *urls.urlpatterns,
]


def lost(door: str, cause: str) -> tuple[int, str, list[tuple[str, str]]]:
    with capture_logs() as lines:
        answer = Client(raise_request_exception=False).get(door, {"to": cause})
    told = [(line["event"], line["reason"]) for line in lines if line["event"] in CAUSES]
    return answer.status_code, answer.headers.get("Retry-After", ""), told


@pytest.mark.parametrize("cause", ["deadlock", "serialization_failure"])
@pytest.mark.parametrize("door", [PAGE, API, PROGRAM])
def test_who_was_undone_may_come_again_and_is_named_in_the_log_once(door, cause):
    assert lost(door, cause) == (503, "1", [(cause, "first line")])


@pytest.mark.parametrize("door", [PAGE, API, PROGRAM])
def test_what_rested_on_something_that_is_gone_is_a_conflict_and_nothing_for_the_log(door):
    assert lost(door, "foreign_key") == (409, "", [])
