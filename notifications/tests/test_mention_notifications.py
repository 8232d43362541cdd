"""A mention that an edit adds reaches the inbox and the mail once."""

from __future__ import annotations

import pytest

from events.models import Event
from notifications.kinds import Kind
from notifications.models import Notification

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("edited", ["comment", "description"])
def test_edited_mention_notifies_once(edited, clients, task, bob, sink, deliver):
    url, name = f"/api/v1/tasks/{task.key}/", "description"
    if edited == "comment":
        created = clients["alice"].post(f"{url}comments/", {"body": "Nobody yet"}).json()
        url, name = f"{url}comments/{created['id']}/", "body"
    last = Event.objects.order_by("-pk").values_list("pk", flat=True).first()

    for text in ("@bob, please look", "@bob, please look again", "nobody", "@bob once more"):
        assert clients["alice"].patch(url, {name: text}).status_code == 200
    for event in Event.objects.filter(name="task.mentioned", **({"pk__gt": last} if last else {})):
        deliver(event)
        deliver(event)  # events are delivered at least once

    notification = Notification.objects.get(kind=Kind.MENTIONED)
    assert (notification.recipient, notification.url.partition("#")[0]) == (bob, f"/tasks/{task.key}/")
    message = sink.only()
    assert message["To"] == "bob@example.com"
    assert "@bob, please look" in message.get_body(("plain",)).get_content()
