"""Many writers upon one version of one thing, through every PATCH of the API: one wins, the others hear of it."""

from __future__ import annotations

import orjson
import pytest

from accounts.models import User
from accounts.tests.fixtures import signed_in
from core.testing.together import together
from tests.test_safe_writes import CONDITIONAL

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS = 5


@pytest.mark.parametrize("operation", [one for one in CONDITIONAL if one.method == "PATCH"], ids=str)
def test_of_many_writers_upon_one_version_one_wins(operation, scene, admin):
    writers = [signed_in(User.objects.get(handle=scene.door(operation))) for _ in range(WRITERS)]
    url, body = scene.url(operation), orjson.dumps(scene.body(operation))
    tag = writers[0].get(url)["ETag"]

    answers = together(
        lambda one=one: one.generic("PATCH", url, body, "application/json", headers={"If-Match": tag})
        for one in writers
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * (WRITERS - 1)]
    (won,) = [answer for answer in answers if answer.status_code == 200]
    told = {answer.json()["version"] for answer in answers if answer.status_code == 412}
    assert {int(won["ETag"].strip('"').split(".")[0])} == told
