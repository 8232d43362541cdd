"""Main job through the generated Python client: `main_job.py URL EMAIL PASSWORD` prints a report as JSON.

Run by test_generated_clients.py, in a process that knows the generated package `taskflow_client` alone.
"""

from __future__ import annotations

import json
import sys

from taskflow_client import AuthenticatedClient, Client
from taskflow_client.api.auth import login
from taskflow_client.api.tasks import (
    create_checklist_item,
    create_comment,
    get_task,
    list_tasks,
    quick_add_task,
    update_checklist_item,
    update_task,
)
from taskflow_client.models import (
    ChecklistItemInputRequest,
    CommentInputRequest,
    LoginInputRequest,
    PatchedChecklistItemPatchRequest,
    PatchedTaskPatchRequest,
    PriorityEnum,
    Problem,
    QuickAddTextRequest,
    TokensOut,
)

url, email, password = sys.argv[1:]
anonymous = Client(base_url=url)
wrong = login.sync_detailed(client=anonymous, body=LoginInputRequest(email=email, password="a wrong password"))
tokens = login.sync(client=anonymous, body=LoginInputRequest(email=email, password=password))
assert isinstance(tokens, TokensOut)
client = AuthenticatedClient(base_url=url, token=tokens.access)

text = QuickAddTextRequest(text="Pay rent tomorrow 9am !high +bills")
created = [quick_add_task.sync_detailed(client=client, body=text, idempotency_key="rent-1") for _ in range(2)]
task = quick_add_task.sync(client=client, body=text, idempotency_key="rent-1")
key = task.key
page = list_tasks.sync(client=client, filter_="priority:high label:bills")

read = get_task.sync_detailed(key, client=client)
etag = read.headers["ETag"]
change = PatchedTaskPatchRequest(title="Pay the rent", priority=PriorityEnum.URGENT)
changed = update_task.sync_detailed(key, client=client, if_match=etag, body=change)
conflict = update_task.sync_detailed(key, client=client, if_match=etag, body=PatchedTaskPatchRequest(title="Rent"))
assert isinstance(conflict.parsed, Problem)
# A conflict is resolved by reading the task again.
etag = get_task.sync_detailed(key, client=client).headers["ETag"]
retried = update_task.sync_detailed(key, client=client, if_match=etag, body=PatchedTaskPatchRequest(title="Rent"))

comment = create_comment.sync(key, client=client, body=CommentInputRequest(body="Sent **today**."))
item = create_checklist_item.sync(key, client=client, body=ChecklistItemInputRequest(text="Check the amount"))
done = update_checklist_item.sync(key, item.id, client=client, body=PatchedChecklistItemPatchRequest(is_done=True))
report = {
    "wrong_password": [wrong.status_code, wrong.parsed.code],
    "created": [response.status_code for response in created],
    "tasks": [row.key == key for row in page.results],
    "due_at": task.due_at is not None,
    "patched": [changed.status_code, changed.parsed.title, changed.parsed.priority.value],
    "conflict": [conflict.status_code, conflict.parsed.code, conflict.parsed.differences[0].current],
    "retried": [retried.status_code, retried.parsed.title],
    "comment": comment.body,
    "checklist": [done.text, done.is_done],
}
sys.stdout.write(json.dumps(report))
