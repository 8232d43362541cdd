import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from core.db import uuid7
from core.markdown import render
from tasks.models import Priority


@dataclass(slots=True, kw_only=True)
class TaskDraft:
    """Values of a new task. `status` is a state's slug or a category; `labels` are names, created where missing.

    `id` is chosen here, so that a later draft of the same call can name it as its `parent`. `fields` are values of
    custom fields by their keys; None for a task that no user fills in, which may lack required ones.
    """

    title: str
    description: str = ""
    status: str = ""
    priority: int = Priority.NONE
    start_date: date | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    estimate: int | None = None
    parent: uuid.UUID | None = None
    section: uuid.UUID | None = None
    assignees: Sequence[uuid.UUID] = ()
    labels: Sequence[str] = ()
    fields: Mapping[str, Any] | None = None
    id: uuid.UUID = field(default_factory=uuid7)
    # Rendered with the draft, hence before any lock: the texts of an import may take a minute.
    description_html: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.assignees = [uuid.UUID(str(user_id)) for user_id in self.assignees]
        self.description_html = render(self.description) if self.description else ""
