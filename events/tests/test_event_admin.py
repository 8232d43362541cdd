"""The admin of the event log: texts of personal inboxes are not visible."""

from __future__ import annotations

from events.private_content import HIDDEN, hide_private


def test_texts_of_personal_inboxes_are_hidden():
    actor = {"id": "1", "name": "Ann"}
    task = {
        "id": "2",
        "key": "INBOX-1",
        "is_inbox": True,
        "title": "Divorce lawyer",
        "labels": ["law"],
        "status": "todo",
    }
    payload = {"actor": actor, "task": task, "changes": {"title": ["a", "b"]}, "excerpt": "secret", "body": ["x"]}

    visible = hide_private(payload)

    assert visible["actor"] == actor
    assert visible["task"] == {
        "id": "2", "key": "INBOX-1", "is_inbox": True, "title": HIDDEN, "labels": HIDDEN, "status": "todo",
    }  # fmt: skip
    assert (visible["changes"], visible["excerpt"], visible["body"]) == ({"title": HIDDEN}, HIDDEN, HIDDEN)
    project = {"project": {"id": "3", "name": "Inbox", "is_inbox": True}, "changes": {"labels": [["law"], []]}}
    assert hide_private(project)["changes"] == {"labels": HIDDEN}
    public = {"actor": actor, "task": task | {"is_inbox": False}, "excerpt": "hello"}
    assert hide_private(public) == public
