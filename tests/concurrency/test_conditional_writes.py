"""Concurrent PATCH requests with the same ETag: one wins, the others get 412 with the new version."""

from __future__ import annotations

import orjson
import pytest

from accounts.models import User
from accounts.tests.fixtures import signed_in
from core.testing.concurrency import run_concurrently
from tests.api.test_conditional_writes import CONDITIONAL_OPERATIONS

pytestmark = pytest.mark.django_db(transaction=True)
WRITER_COUNT = 5


@pytest.mark.parametrize("operation", [op for op in CONDITIONAL_OPERATIONS if op.method == "PATCH"], ids=str)
def test_concurrent_writes_of_one_version_have_one_winner(operation, request_builder, admin):
    writers = [signed_in(User.objects.get(handle=request_builder.actor_for(operation))) for _ in range(WRITER_COUNT)]
    url, body = request_builder.url(operation), orjson.dumps(request_builder.body(operation))
    etag = writers[0].get(url)["ETag"]

    responses = run_concurrently(
        lambda writer=writer: writer.generic("PATCH", url, body, "application/json", headers={"If-Match": etag})
        for writer in writers
    )

    assert sorted(response.status_code for response in responses) == [200, *[412] * (WRITER_COUNT - 1)]
    (winner,) = [response for response in responses if response.status_code == 200]
    versions = {response.json()["version"] for response in responses if response.status_code == 412}
    assert {int(winner["ETag"].strip('"').split(".")[0])} == versions
