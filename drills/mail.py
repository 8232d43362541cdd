"""No email is lost or duplicated while workers are killed with 200 assignments in flight.

The guarantee (RFC 5321, section 6.1 allows no stronger one): the email of each assignment arrives, and a crash between
the server's acceptance and our record of it repeats the email with the same Message-ID, by which the recipient's server
recognises it. The drill counts the emails that did not arrive and those that were sent more than once. It holds when none
was lost, and when no more were repeated than the killed processes were sending.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

from django.core.management import call_command

from core.testing import smtp
from drills.client import Client
from drills.processes import Processes, ProcessNotReady, wait_until
from drills.report import Check, print_verdict

TASK_COUNT = 200
EMAIL_COUNT = TASK_COUNT + 1  # one more is about the membership in the project
KILL_COUNT = 3
MAX_IN_FLIGHT = 2  # the worker has two processes, and each sends one email at a time
DELIVERY_TIMEOUT = 180.0
MAX_ATTEMPTS = 20


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
        "EMAIL_BACKEND": "notifications.email.backend.SmtpBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(sink.port),
        # One email for each assignment, all of them to one user and caused by another who has just registered.
        "NOTIFICATION_BATCH_SECONDS": "0",
        "NOTIFICATION_EMAILS_PER_HOUR": "1000",
        "NOTIFICATION_EMAILS_PER_SENDER": "1000",
        "NOTIFICATION_EMAILS_PER_UNVERIFIED_SENDER": "1000",
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
    """Create the tasks, all assigned to one other user, before any worker runs."""
    lead, member = Client(url), Client(url)
    suffix = os.urandom(4).hex()
    lead.register(email=f"lead-{suffix}@example.com", name="Lena Lead")
    user = member.register(email=f"member-{suffix}@example.com", name="Milo Member")
    key = f"D{suffix.upper()}"
    lead.send("POST", "/api/v1/projects/", {"key": key, "name": "Drill"})
    lead.send("POST", f"/api/v1/projects/{key}/members/", {"user": user["id"], "role": "editor"})

    def create(number: int) -> None:
        task = {"title": f"Task {number}", "project": key, "assignees": [user["id"]]}
        # A slow machine may refuse some at first; with the key a repetition creates no second task.
        for _ in range(MAX_ATTEMPTS):
            response = lead.send("POST", "/api/v1/tasks/", task, **{"Idempotency-Key": f"{suffix}-{number}"})
            if response.status == 201:
                return
            time.sleep(1)
        raise RuntimeError(f"task {number} was not created: {response.status} {response.body!r}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(TASK_COUNT)))
    print(f"tasks created and assigned: {TASK_COUNT}", flush=True)


def _deliver_and_kill(processes: Processes, sink: smtp.SmtpSink) -> float:
    """Start the worker and kill it after each share of the emails. Returns how long the rest took."""
    processes.start("worker")
    for kill in range(1, KILL_COUNT + 1):
        share = TASK_COUNT * kill // (KILL_COUNT + 2)
        wait_until(
            lambda share=share: len(_message_ids(sink)) >= share,  # type: ignore[misc]
            seconds=DELIVERY_TIMEOUT,
            what=processes.log("worker"),
        )
        processes.stop("worker")
        print(f"killed the worker after {len(_message_ids(sink))} emails", flush=True)
        processes.start("worker")
    try:
        return wait_until(lambda: len(set(_message_ids(sink))) >= EMAIL_COUNT, seconds=DELIVERY_TIMEOUT, what="")
    except ProcessNotReady:
        return DELIVERY_TIMEOUT


def _message_ids(sink: smtp.SmtpSink) -> list[str]:
    return [str(message["Message-ID"]) for message in _notifications(sink)]


def _notifications(sink: smtp.SmtpSink) -> list[EmailMessage]:
    """Return the emails about assignments and the membership, without those that verify the addresses."""
    return [message for message in list(sink.messages) if message["List-Unsubscribe"]]


def _report(sink: smtp.SmtpSink, seconds: float) -> int:
    counts = Counter(_message_ids(sink))
    lost = EMAIL_COUNT - len(counts)
    repeated = sum(count - 1 for count in counts.values())
    contents = {
        (str(message["Message-ID"]), str(message["To"]), str(message["Subject"])) for message in _notifications(sink)
    }
    differing = len(contents) - len(counts)
    max_repeated = KILL_COUNT * MAX_IN_FLIGHT
    print(f"emails: {len(counts)} of {EMAIL_COUNT} arrived, {lost} lost, {repeated} repeated")
    print(f"complete {seconds:.1f} s after the last kill")
    return print_verdict(
        "mail",
        [
            Check(f"{lost} of {EMAIL_COUNT} emails lost", "0", lost == 0),
            Check(f"{repeated} repeated", f"<= {max_repeated}", repeated <= max_repeated),
            Check(f"{differing} repeated with another recipient or subject", "0", differing == 0),
        ],
    )
