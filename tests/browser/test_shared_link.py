from __future__ import annotations

import pytest
from django.utils import timezone

from tasks.items import drafts
from tasks.items import services as items
from tasks.link_shares import services as link_shares
from tasks.link_shares.tokens import make_token
from tasks.models import LinkRole

pytestmark = pytest.mark.timeout(120)


def test_visitor_opens_a_link_with_its_password(sample_workspace, open_page):
    now = timezone.now()
    draft = drafts.TaskDraft(title="Seen by a visitor")
    task = items.create(actor=sample_workspace, draft=draft, now=now, project_ref="OPS")
    link = link_shares.create(
        actor=sample_workspace, ref=task.key, role=LinkRole.VIEWER, password="sesame open", expires_at=None, now=now
    )
    page = open_page(None)
    page.goto(f"/shared-task/?link={make_token(link.pk)}")
    page.fill("#link-password", "wrong")
    page.click("main button")
    error = page.locator("[role=alert]").inner_text()
    page.fill("#link-password", "sesame open")
    page.click("main button")
    page.locator("h1", has_text="Seen by a visitor").wait_for()

    assert "not the password" in error
    assert page.evaluate("violations") == []
