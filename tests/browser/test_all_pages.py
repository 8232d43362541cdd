"""Every page, in light and dark, wide and on a phone: policy, accessibility, overflow, and that it shows something."""

from __future__ import annotations

import pytest

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.tests.factories import UserFactory
from accounts.tests.mfa import with_passkey
from tests.browser.conftest import AXE_SCRIPT

PAGE_PATHS = [
    "/",
    "/?range=90&project=OPS",
    "/tasks/",
    "/tasks/?category=all&priority=4&search=task",
    "/tasks/?priority=4&search=nothing-like-it",
    "/tasks/new/",
    "/tasks/OPS-1/",
    "/tasks/OPS-1/delete/",
    "/tasks/OPS-1/access/",
    "/projects/",
    "/projects/OPS/",
    "/projects/OPS/edit/",
    "/projects/new/",
    "/inbox/",
    "/inbox/?show=unread",
    "/import/",
    "/settings/",
    "/settings/notifications/",
    "/settings/security/",
    "/settings/security/password/",
    "/settings/security/identities/",
    "/settings/security/log/",
    "/settings/sessions/",
    "/settings/privacy/",
    "/settings/delete-account/",
    "/people/",
    "/people/?state=all",
    "/people/invitations/",
    "/mail/",
    "/tasks/NOT-1/",
]
SIGNED_OUT_PATHS = [
    "/login/",
    "/register/",
    "/password/reset/",
    "/invitation/?token=wrong",
    "/cancel-deletion/?token=some",
    "/revert-login-method/?token=some",
]
# Dark differs from light by its colours alone, so there only they are looked at again.
AXE_RULES = {"light": "{}", "dark": '{runOnly: ["color-contrast"]}'}
CHECK_SCRIPT = """axe.run(RULES).then((found) => found.violations.map(
    (one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(" | ")}`
))"""


def page_problems(page, url, scheme):
    """What is wrong with this page, in words; the policy is asked before axe, which injects styles of its own."""
    page.goto(url)
    found = [f"{url}: policy: {one}" for one in page.evaluate("violations")]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"{url}: wider than the screen")
    page.evaluate(AXE_SCRIPT)
    found += [f"{url}: {one}" for one in page.evaluate(CHECK_SCRIPT.replace("RULES", AXE_RULES[scheme]))]
    return found


@pytest.fixture
def revert_link(sample_workspace):
    """Where the mail about a passkey leads whoever did not add it."""
    return login_methods_selectors.revert_link_for_mfa_method(with_passkey(UserFactory()), "webauthn_added")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_have_no_accessibility_or_csp_faults(width, scheme, sample_workspace, email_id, revert_link, open_page):
    ours = open_page(sample_workspace, width=width, scheme=scheme)
    theirs = open_page(None, width=width, scheme=scheme)
    errors: list[str] = []
    for page in (ours, theirs):
        page.on("pageerror", lambda error: errors.append(str(error)))

    found = [fault for url in [*PAGE_PATHS, f"/mail/{email_id}/"] for fault in page_problems(ours, url, scheme)]
    found += [fault for url in [*SIGNED_OUT_PATHS, revert_link] for fault in page_problems(theirs, url, scheme)]

    assert found + errors == []


def test_shows_the_bars_of_its_charts(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/?range=28")

    bars = page.locator(".plot rect")
    shown = [bars.nth(index).bounding_box() for index in range(bars.count())]
    colours = page.eval_on_selector_all(".plot rect", "all => [...new Set(all.map(one => getComputedStyle(one).fill))]")

    assert max(box["height"] for box in shown if box) > 80
    assert len(colours) == 2
    assert "rgb(0, 0, 0)" not in colours


def test_prints_without_the_frame(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/")
    page.emulate_media(media="print")

    assert not page.locator(".sidenav").is_visible()
    assert not page.locator(".topbar").is_visible()
    assert page.locator(".kpis").is_visible()


def test_api_docs_render_without_inline_styles(open_page):
    page = open_page(None)
    page.goto("/api/v1/docs/")
    page.get_by_text("/api/v1/tasks/", exact=True).first.wait_for(timeout=30_000)

    assert page.evaluate("violations") == []
    assert page.locator(".opblock").count() > 50
