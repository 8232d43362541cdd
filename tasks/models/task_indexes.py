"""Indexes of tasks that repeat one pattern."""

from django.db import models
from django.db.models import Q

# Of narrow ranges of these, and the orders by them, within a project.
RANGE_INDEXES = [
    models.Index(fields=["project", name, "id"], condition=Q((f"{name}__isnull", False)), name=f"task_project_{label}")
    for name, label in (("estimate", "estimate"), ("start_date", "start"), ("closed_at", "closed"))
]
