"""Deadlocks and serialization failures: a 503 to retry, in the form of the endpoint, and one log event."""

from __future__ import annotations

from unittest import mock

import pytest
import structlog
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest
from django.test import Client
from django.urls import path
from psycopg.errors import DeadlockDetected, ForeignKeyViolation, SerializationFailure
from rest_framework.request import Request
from structlog.testing import capture_logs

from config import urls
from core.api.generics import ApiView

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
CONFLICT_CAUSES = {
    "deadlock": DeadlockDetected,
    "serialization_failure": SerializationFailure,
    "foreign_key": ForeignKeyViolation,
}
PAGE_PATH, API_PATH = "/lost/", "/api/v1/lost/"


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
    *urls.urlpatterns,
]


def request_conflict(path: str, cause: str) -> tuple[int, str, list[tuple[str, str]]]:
    """Return status, Retry-After and the (event, reason) pairs that were logged."""
    # A logger of its own: one that was used before may hold an earlier configuration.
    with capture_logs() as logs, mock.patch("core.db.log", structlog.get_logger()):
        response = Client(raise_request_exception=False).get(path, {"to": cause})
    events = [(log["event"], log["reason"]) for log in logs if log["event"] in CONFLICT_CAUSES]
    return response.status_code, response.headers.get("Retry-After", ""), events


@pytest.mark.parametrize("cause", ["deadlock", "serialization_failure"])
@pytest.mark.parametrize("endpoint", [PAGE_PATH, API_PATH])
def test_transient_conflict_is_a_503_logged_once(endpoint, cause):
    assert request_conflict(endpoint, cause) == (503, "1", [(cause, "first line")])


@pytest.mark.parametrize("endpoint", [PAGE_PATH, API_PATH])
def test_missing_reference_is_a_409_without_log(endpoint):
    assert request_conflict(endpoint, "foreign_key") == (409, "", [])
