from __future__ import annotations

import os
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from events import jobs
from events.relay import Relay


class Command(BaseCommand):
    help = "Deliver events from the outbox to their consumers. One process leads, others stand by."
    # They take a third of the start, and all events wait for a relay that was killed; `prepare` and the web nodes check.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--nice", type=int, default=0, help="lower the priority by so much after the start, for which events wait"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        invalidate_callback = import_string(settings.CACHE_INVALIDATION_HOOK)

        def enqueue(event_ids: list[int], consumer: str) -> None:
            jobs.deliver.delay(event_ids=event_ids, consumer=consumer)

        relay = Relay(settings.SUBSCRIPTIONS, enqueue, invalidate_callback)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: relay.stop())
        os.nice(options["nice"])
        relay.run()
