from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from core.markdown import RENDERER_VERSION, rendered_columns
from tasks.models import Comment, Task

BATCH_SIZE = 500


class Command(BaseCommand):
    help = (
        "Render the descriptions and comments whose HTML is missing or was made by another version. Safe at any time."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        count = 0
        models: tuple[tuple[Any, str], ...] = ((Task, "description"), (Comment, "body"))
        for model, name in models:
            stale = model.objects.exclude(**{f"{name}_html_version": RENDERER_VERSION}).exclude(**{name: ""})
            rows = stale.values_list("pk", name).iterator(chunk_size=BATCH_SIZE)
            for pk, text in rows:
                # Only if nobody changes the text meanwhile: a newer one brings its own HTML.
                count += model.objects.filter(pk=pk, **{name: text}).update(**rendered_columns(name, text))
        if count:
            self.stdout.write(f"Rendered {count} texts")
