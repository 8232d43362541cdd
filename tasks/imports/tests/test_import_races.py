from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import User
from tasks.imports import services
from tasks.imports.services import ImportReport
from tasks.models import Comment, Project, Task


@pytest.mark.django_db(transaction=True)
def test_concurrent_imports_create_no_duplicates(alice: User, bob: User, project: Project, plan_of):
    plan, ready = plan_of("full-todoist-project.csv"), Barrier(2)

    def run(actor: User) -> ImportReport:
        ready.wait()
        try:
            return services.run_import(project_id=project.pk, actor=actor, plan=plan)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(run, [alice, bob]))

    assert sorted(report.created for report in reports) == [0, 8]
    assert (Task.objects.count(), Comment.objects.count()) == (8, 9)
    assert sorted(Task.objects.values_list("number", flat=True)) == list(range(1, 9))
