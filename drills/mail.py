"""No lost and no doubled notification: workers are killed while 200 assignments are on their way.

The promise (RFC 5321, section 6.1 allows no stronger one): each assignment's mail arrives, and a crash between
the server's acceptance and our mark repeats the same Message-ID, by which a receiver knows it. The drill counts
both: what did not arrive, and what was transmitted more than once. It holds when nothing was lost, and when no more was
repeated than the killed processes had in hand.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.core.management import call_command

from core.testing import smtp
from drills.client import Client
from drills.processes import Processes, ProcessNotReady, wait_until

TASK_COUNT = 200
# One more tells them that they are in the project.
EMAIL_COUNT = TASK_COUNT + 1
KILL_COUNT = 3
# The worker of drills.parts has two processes, and each has one mail in hand.
MAX_IN_FLIGHT = 2
DELIVERY_TIMEOUT = 180.0


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    sink = smtp.SmtpSink()
    server = smtp.start_smtp_server(sink)
    try:
        return _report(sink, _drill(sink, folder))
    finally:
        server.stop()


def _drill(sink: smtp.SmtpSink, folder: Path) -> float:
    environment = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(sink.port),
        "DATA_DIR": str(folder),
        "PROMETHEUS_MULTIPROC_DIR": f"{folder}/prometheus",
        "LOG_LEVEL": "WARNING",
    }
    Path(environment["PROMETHEUS_MULTIPROC_DIR"]).mkdir()
    with Processes(folder, **environment) as processes:
        processes.start("web", "relay", "scheduler")
        _create_assignments(processes.url)
        return _deliver_and_kill(processes, sink)


def _create_assignments(url: str) -> None:
    """Create the tasks, each assigned to one other person, before any worker runs."""
    lead, member = Client(url), Client(url)
    mark = os.urandom(4).hex()
    lead.register(email=f"lead-{mark}@example.com", name="Lena Lead")
    user = member.register(email=f"member-{mark}@example.com", name="Milo Member")
    key = f"D{mark.upper()}"
    lead.send("POST", "/api/v1/projects/", {"key": key, "name": "Drill"})
    lead.send("POST", f"/api/v1/projects/{key}/members/", {"user": user["id"], "role": "editor"})

    def create(number: int) -> int:
        task = {"title": f"Task {number}", "project": key, "assignees": [user["id"]]}
        return lead.send("POST", "/api/v1/tasks/", task).status

    with ThreadPoolExecutor(8) as pool:
        created = Counter(pool.map(create, range(TASK_COUNT)))
    print(f"created and assigned: {created[201]} of {TASK_COUNT}", flush=True)


def _deliver_and_kill(processes: Processes, sink: smtp.SmtpSink) -> float:
    """Start the worker, kill it with -9 each time another share has arrived, and wait for the rest."""
    processes.start("worker")
    for kill in range(1, KILL_COUNT + 1):
        share = TASK_COUNT * kill // (KILL_COUNT + 2)
        wait_until(
            lambda share=share: len(_notification_ids(sink)) >= share,  # type: ignore[misc]
            seconds=DELIVERY_TIMEOUT,
            what=processes.log("worker"),
        )
        processes.stop("worker")
        print(f"killed the worker after {len(_notification_ids(sink))} mails", flush=True)
        processes.start("worker")
    try:
        return wait_until(lambda: len(set(_notification_ids(sink))) >= EMAIL_COUNT, seconds=DELIVERY_TIMEOUT, what="")
    except ProcessNotReady:
        return DELIVERY_TIMEOUT


def _notification_ids(sink: smtp.SmtpSink) -> list[str]:
    return [str(message["Message-ID"]) for message in list(sink.messages)]


def _report(sink: smtp.SmtpSink, seconds: float) -> int:
    counted = Counter(_notification_ids(sink))
    lost = EMAIL_COUNT - len(counted)
    doubled = sum(count - 1 for count in counted.values())
    print(f"mails: {len(counted)} of {EMAIL_COUNT}, lost = {lost}, transmitted again = {doubled}")
    print(f"complete {seconds:.1f} s after the last kill")
    told = {
        (str(message["Message-ID"]), str(message["To"]), str(message["Subject"])) for message in list(sink.messages)
    }
    differing = len(told) - len(counted)
    print(
        f"the processes killed had at most {KILL_COUNT * MAX_IN_FLIGHT} in hand; repeats to somebody else or of something else: {differing}"
    )
    return 0 if lost == differing == 0 and doubled <= KILL_COUNT * MAX_IN_FLIGHT else 1
