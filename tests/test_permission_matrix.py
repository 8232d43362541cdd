"""Who may do what: every operation of the API by every kind of person. A new operation without a row fails."""

from __future__ import annotations

import re
import uuid

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from core.testing.state import fingerprint
from tests.endpoints import operations
from tests.scene import PEOPLE

OPEN = "200 200 200 200 200 200 200 200 200"
SIGNED_IN = "401 200 200 200 200 200 200 200 200"
# One line for each operation, one column for each of PEOPLE: bob is an editor, alice the owner, carol staff.
MATRIX = {
    # ---------------------------------------  nobody stranger viewer commenter bob admin-of-it alice carol admin
    "GET health": OPEN,
    "GET schema/": OPEN,
    "GET docs/": OPEN,
    "POST auth/register/": "201 201 201 201 201 201 201 201 201",
    "POST auth/login/": OPEN,
    "POST auth/refresh/": OPEN,
    "POST auth/logout/": "401 204 204 204 204 204 204 204 204",
    "POST auth/logout-all/": "401 204 204 204 204 204 204 204 204",
    "GET me/": SIGNED_IN,
    "PATCH me/": SIGNED_IN,
    "GET sessions/": SIGNED_IN,
    "DELETE sessions/{session_id}/": "401 404 404 404 404 404 204 404 404",
    "GET users/": SIGNED_IN,
    "GET users/{user_id}/": SIGNED_IN,
    "GET teams/": SIGNED_IN,
    "POST teams/": "401 201 201 201 201 201 201 201 201",
    "GET teams/{team_id}/": "401 404 404 404 200 404 200 200 200",
    "PATCH teams/{team_id}/": "401 404 404 404 403 404 200 403 200",
    "DELETE teams/{team_id}/": "401 404 404 404 403 404 204 403 204",
    "GET teams/{team_id}/members/": "401 404 404 404 200 404 200 200 200",
    "POST teams/{team_id}/members/": "401 404 404 404 403 404 201 403 201",
    "GET teams/{team_id}/members/{user_id}/": "401 404 404 404 200 404 200 200 200",
    "PATCH teams/{team_id}/members/{user_id}/": "401 404 404 404 403 404 200 403 200",
    "DELETE teams/{team_id}/members/{user_id}/": "401 404 404 404 403 404 204 403 204",
    "GET projects/": SIGNED_IN,
    "POST projects/": "401 201 201 201 201 201 201 201 201",
    "GET projects/{ref}/": "401 404 200 200 200 200 200 200 200",
    "PATCH projects/{ref}/": "401 404 403 403 403 200 200 403 200",
    "DELETE projects/{ref}/": "401 404 403 403 403 204 204 403 204",
    "POST projects/{ref}/archive/": "401 404 403 403 403 200 200 403 200",
    "DELETE projects/{ref}/archive/": "401 404 403 403 403 200 200 403 200",
    "POST projects/{ref}/imports/": "401 404 403 403 200 200 200 403 200",
    "GET projects/{ref}/members/": "401 404 200 200 200 200 200 200 200",
    "POST projects/{ref}/members/": "401 404 403 403 403 201 201 403 201",
    "GET projects/{ref}/members/{user_id}/": "401 404 200 200 200 200 200 200 200",
    "PATCH projects/{ref}/members/{user_id}/": "401 404 403 403 403 200 200 403 200",
    "DELETE projects/{ref}/members/{user_id}/": "401 404 403 403 403 204 204 403 204",
    "GET projects/{ref}/states/": "401 404 200 200 200 200 200 200 200",
    "POST projects/{ref}/states/": "401 404 403 403 403 201 201 403 201",
    "GET projects/{ref}/states/{state_id}/": "401 404 200 200 200 200 200 200 200",
    "PATCH projects/{ref}/states/{state_id}/": "401 404 403 403 403 200 200 403 200",
    "DELETE projects/{ref}/states/{state_id}/": "401 404 403 403 403 204 204 403 204",
    "GET labels/": SIGNED_IN,
    "POST labels/": "401 404 403 403 201 201 201 403 201",
    "GET labels/{label_id}/": "401 404 200 200 200 200 200 200 200",
    "PATCH labels/{label_id}/": "401 404 403 403 200 200 200 403 200",
    "DELETE labels/{label_id}/": "401 404 403 403 204 204 204 403 204",
    "GET tasks/": SIGNED_IN,
    "POST tasks/": "401 404 403 403 201 201 201 403 201",
    "GET tasks/stats/": SIGNED_IN,
    "GET tasks/{ref}/": "401 404 200 200 200 200 200 200 200",
    "PATCH tasks/{ref}/": "401 404 403 403 200 200 200 403 200",
    "DELETE tasks/{ref}/": "401 404 403 403 204 204 204 403 204",
    "POST tasks/{ref}/move/": "401 404 403 403 200 200 200 403 200",
    "GET tasks/{ref}/activity/": "401 404 200 200 200 200 200 200 200",
    "GET tasks/{ref}/comments/": "401 404 200 200 200 200 200 200 200",
    "POST tasks/{ref}/comments/": "401 404 403 201 201 201 201 403 201",
    "GET tasks/{ref}/comments/{comment_id}/": "401 404 200 200 200 200 200 200 200",
    "PATCH tasks/{ref}/comments/{comment_id}/": "401 404 403 403 200 403 403 403 403",
    "DELETE tasks/{ref}/comments/{comment_id}/": "401 404 403 403 204 204 204 403 204",
    "GET notifications/": SIGNED_IN,
    "POST notifications/{notification_id}/read/": "401 404 404 404 404 404 200 404 404",
    "POST notifications/{notification_id}/unread/": "401 404 404 404 404 404 200 404 404",
    "POST notifications/read-all/": SIGNED_IN,
    "GET notifications/preferences/": SIGNED_IN,
    "PATCH notifications/preferences/": SIGNED_IN,
    "GET analytics/overview/": SIGNED_IN,
    "GET analytics/daily/": SIGNED_IN,
}
SLOW = {"GET schema/", "GET docs/"}  # the same for everybody: no sign-in is read
EXPORT = "TYPE,CONTENT,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\ntask,Imported,4,1,,,,,\n"
OPERATIONS = {f"{one.method} {one.path}": one for one in operations()}
HIDDEN = sorted(name for name in set(MATRIX) & set(OPERATIONS) if "{" in name and not name.startswith("GET users/"))
ID = re.compile(r"[0-9a-f-]{36}")

pytestmark = pytest.mark.django_db


def test_every_operation_has_its_row_and_every_row_its_operation():
    assert sorted(MATRIX) == sorted(OPERATIONS)


@pytest.mark.parametrize("name", sorted(set(MATRIX) & set(OPERATIONS)))
def test_each_person_may_do_what_the_matrix_says(name, scene, clients):
    operation = OPERATIONS[name]
    expected = dict(zip(PEOPLE, map(int, MATRIX[name].split()), strict=True))
    doors = {who: clients[who] for who in (PEOPLE if name not in SLOW else PEOPLE[:2])}
    before = fingerprint()

    found, touched = {}, {}
    for who, client in doors.items():
        with transaction.atomic():
            answer = client.generic(operation.method, scene.url(operation), **sent(scene, operation))
            found[who] = answer.status_code
            touched[who] = fingerprint() != before
            transaction.set_rollback(True)

    assert found == {who: expected[who] for who in doors}
    harmless = [who for who in doors if operation.method == "GET" or expected[who] >= 400]
    assert [who for who in harmless if touched[who]] == []


def sent(scene, operation):
    if operation.path == "projects/{ref}/imports/":
        form = {"source": "todoist", "file": SimpleUploadedFile("todoist.csv", EXPORT.encode())}
        return {"data": encode_multipart(BOUNDARY, form), "content_type": MULTIPART_CONTENT}
    if operation.method not in {"POST", "PATCH"}:
        return {}
    return {"data": orjson.dumps(scene.body(operation)), "content_type": "application/json"}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_foreign_thing_answers_a_stranger_like_one_that_does_not_exist(name, scene, clients):
    operation = OPERATIONS[name]
    foreign = scene.url(operation)
    missing, body = ID.sub(str(uuid.uuid4()), foreign).replace("OPS", "QQQ"), sent(scene, operation)
    stranger = clients["mallory"]

    hidden = stranger.generic(operation.method, foreign, **body)
    absent = stranger.generic(operation.method, missing, **body)

    assert (hidden.status_code, missing != foreign) == (404, True)
    assert told(hidden, foreign) == told(absent, missing)


def told(answer, path):
    """The whole answer but for what names this one request."""
    own = {"X-Request-ID", "Server-Timing"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    return answer.status_code, headers, answer.content.replace(path.encode(), b"PATH")
