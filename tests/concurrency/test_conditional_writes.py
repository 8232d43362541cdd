"""Many writers upon one version of one thing, through every PATCH of the API: one wins, the others hear of it."""

from __future__ import annotations

import orjson
import pytest

from accounts.models import User
from accounts.tests.fixtures import signed_in
from core.testing.concurrency import run_concurrently
from tests.api.test_conditional_writes import CONDITIONAL_OPERATIONS

pytestmark = pytest.mark.django_db(transaction=True)
WRITER_COUNT = 5


@pytest.mark.parametrize("operation", [one for one in CONDITIONAL_OPERATIONS if one.method == "PATCH"], ids=str)
def test_of_many_writers_upon_one_version_one_wins(operation, request_builder, admin):
    writers = [signed_in(User.objects.get(handle=request_builder.actor_for(operation))) for _ in range(WRITER_COUNT)]
    url, body = request_builder.url(operation), orjson.dumps(request_builder.body(operation))
    tag = writers[0].get(url)["ETag"]

    answers = run_concurrently(
        lambda one=one: one.generic("PATCH", url, body, "application/json", headers={"If-Match": tag})
        for one in writers
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * (WRITER_COUNT - 1)]
    (won,) = [answer for answer in answers if answer.status_code == 200]
    told = {answer.json()["version"] for answer in answers if answer.status_code == 412}
    assert {int(won["ETag"].strip('"').split(".")[0])} == told
