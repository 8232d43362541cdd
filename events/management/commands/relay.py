from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from events import jobs
from events.relay import Relay


class Command(BaseCommand):
    help = "Carry facts from the outbox to their consumers. One process leads, others stand by."

    def handle(self, *args: Any, **options: Any) -> None:
        relay = Relay(
            settings.SUBSCRIPTIONS, lambda event_id, consumer: jobs.deliver.delay(event_id=event_id, consumer=consumer)
        )
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: relay.stop())
        relay.run()
