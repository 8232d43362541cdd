"""Every page in light and dark, wide and narrow: CSP, accessibility and overflow."""

from __future__ import annotations

import pytest

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.tests.factories import UserFactory
from accounts.tests.mfa import with_passkey
from tasks.models import CustomField, Task
from tasks.tests.attachments import PIXEL, make_attachment
from tests.browser.conftest import AXE_SCRIPT

# Groups, so that the tests can be spread over processes.
PAGE_PATHS = {
    "tasks": (
        "/",
        "/?range=90&project=OPS",
        "/tasks/",
        "/tasks/?category=all&priority=4&search=task",
        "/tasks/?priority=4&search=nothing-like-it",
        "/tasks/?filter=state:open+(priority:urgent+OR+assignee:@me)+-label:later",
        "/tasks/?filter=stat:open",
        "/filters/",
        "/palette/?q=task&task=OPS-1",
        "/filters/new/?filter=is:overdue",
        "/tasks/new/",
        "/tasks/OPS-1/",
        "/tasks/OPS-1/delete/",
        "/tasks/OPS-1/access/",
        "/tasks/OPS-1/versions/",
        "/tasks/NOT-1/",
    ),
    "projects": (
        "/projects/",
        "/projects/OPS/",
        "/projects/OPS/edit/",
        "/projects/OPS/delete/",
        "/trash/",
        "/projects/OPS/fields/",
        "/fields/",
        "/projects/new/",
        "/inbox/",
        "/inbox/?show=unread",
        "/import/",
        "/people/",
        "/people/?state=all",
        "/people/invitations/",
    ),
    "structure": (
        "/projects/OPS/?group=section",
        "/projects/OPS/board/?open=done",
        "/projects/OPS/board/?swimlanes=assignee",
        "/calendar/",
        "/projects/OPS/timeline/",
        "/projects/OPS/timeline/?zoom=quarter",
        "/projects/OPS/calendar/?view=month",
        "/projects/OPS/calendar/?view=week&category=all",
        "/projects/OPS/calendar/?view=agenda",
        "/projects/OPS/states/",
        "/projects/OPS/sections/",
        "/projects/OPS/templates/",
    ),
    "reports": (
        "/reports/",
        "/reports/throughput/?range=28&project=OPS",
        "/reports/burndown/?range=28",
        "/reports/cumulative-flow/",
        "/reports/cycle-time/",
        "/reports/ageing/",
        "/reports/workload/",
        "/reports/time/",
        "/reports/calibration/",
        "/reports/forecast/?remaining=50&people=2",
    ),
    "settings": (
        "/settings/",
        "/settings/notifications/",
        "/settings/security/",
        "/settings/security/password/",
        "/settings/security/identities/",
        "/settings/security/log/",
        "/settings/sessions/",
        "/settings/calendar/",
        "/settings/privacy/",
        "/settings/delete-account/",
        "/mail/",
    ),
}
SIGNED_OUT_PATHS = [
    "/offline/",
    "/login/",
    "/register/",
    "/password/reset/",
    "/invitation/?token=wrong",
    "/cancel-deletion/?token=some",
    "/revert-login-method/?token=some",
]
# Dark differs from light by its colours alone, so only they are checked again.
AXE_RULES = {"light": "{}", "dark": '{runOnly: ["color-contrast"]}'}
AXE_RUN_SCRIPT = """axe.run(RULES).then((results) => results.violations.map((violation) =>
    `${violation.id}: ${violation.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(" | ")}`
))"""
WIDTHS = (1280, 390)


def page_problems(page, url):
    """Open a page and return its problems as text, in both colour schemes and widths.

    The page is loaded once; scheme and width change while it is open. CSP violations are read before axe is injected, which
    adds styles of its own.
    """
    page.set_viewport_size({"width": WIDTHS[0], "height": 844})
    page.goto(url)
    problems = [f"{url}: CSP: {violation}" for violation in page.evaluate("violations")]
    page.evaluate(AXE_SCRIPT)
    for scheme, rules in AXE_RULES.items():
        # Without animations, so that no colour is measured on its way to another.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            where = f"{url} ({scheme}, {width} px)"
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                problems.append(f"{where}: wider than the screen")
            violations = page.evaluate(AXE_RUN_SCRIPT.replace("RULES", rules))
            problems += [f"{where}: {violation}" for violation in violations]
    return problems


def assert_no_problems(page, urls, subtests):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for url in urls:
        with subtests.test(url):
            assert page_problems(page, url) == []
    assert errors == []


@pytest.mark.parametrize("group", PAGE_PATHS)
def test_signed_in_pages_have_no_problems(group, sample_workspace, email_id, open_page, subtests):
    email_pages = [f"/mail/{email_id}/"] if group == "settings" else []

    assert_no_problems(open_page(sample_workspace), [*PAGE_PATHS[group], *email_pages], subtests)


def test_page_of_a_custom_field_has_no_problems(sample_workspace, open_page, subtests):
    field = CustomField.objects.get(key="select_field")

    assert_no_problems(open_page(sample_workspace), [f"/fields/{field.pk}/"], subtests)


def test_pages_with_attachments_have_no_problems(sample_workspace, open_page, subtests):
    task = Task.objects.get(project__key="OPS", number=2)
    text = make_attachment(task, sample_workspace, b"a long line " * 500, name="a-name-without-spaces-" * 8 + ".txt")
    image = make_attachment(task, sample_workspace, PIXEL, name="pixel.png", media_type="image/png", thumbnail=PIXEL)
    make_attachment(task, sample_workspace, state="quarantined")
    make_attachment(task, sample_workspace, state="infected")
    pages = [f"/tasks/OPS-2/attachments/{attachment.pk}/" for attachment in (text, image)]

    assert_no_problems(open_page(sample_workspace), ["/tasks/OPS-2/", *pages], subtests)


def test_signed_out_pages_have_no_problems(sample_workspace, open_page, subtests):
    revert_link = login_methods_selectors.revert_link_for_mfa_method(with_passkey(UserFactory()), "webauthn_added")

    assert_no_problems(open_page(None), [*SIGNED_OUT_PATHS, revert_link], subtests)


def test_charts_draw_their_bars(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/?range=28")

    bars = page.locator(".plot rect")
    boxes = [bars.nth(index).bounding_box() for index in range(bars.count())]
    colours = page.eval_on_selector_all(
        ".plot rect", "bars => [...new Set(bars.map(bar => getComputedStyle(bar).fill))]"
    )

    assert max(box["height"] for box in boxes if box) > 80
    assert len(colours) == 2
    assert "rgb(0, 0, 0)" not in colours


def test_print_view_has_no_navigation(sample_workspace, open_page):
    page = open_page(sample_workspace)
    page.goto("/")
    page.emulate_media(media="print")

    assert not page.locator(".sidenav").is_visible()
    assert not page.locator(".topbar").is_visible()
    assert page.locator(".kpis").is_visible()


def test_api_docs_render_without_inline_styles(open_page):
    page = open_page(None)
    page.goto("/api/v1/docs/")
    tasks = page.get_by_text("/api/v1/tasks/", exact=True).first
    page.locator(".opblock").first.wait_for(timeout=30_000)
    # Of a document of this size Swagger UI renders only the operations near the view.
    for _ in range(60):
        if tasks.count():
            break
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(150)

    assert tasks.is_visible()
    assert page.evaluate("violations") == []
