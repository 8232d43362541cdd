"""Filter box, controls and saved filters in a browser, with and without JavaScript."""

from __future__ import annotations

import pytest

from tasks.models import SavedFilter


@pytest.mark.parametrize("scripts", [True, False])
def test_filter_text_and_controls_are_one_filter(scripts, sample_workspace, open_page):
    page = open_page(sample_workspace, width=1280 if scripts else 390, scripts=scripts)

    page.goto("/tasks/")
    assert page.input_value("#filter_text") == "state:open"
    page.fill("#filter_text", "project:OPS priority<=urgent -label:none-such")
    page.click(".filter-text button:text('Filter')")
    page.wait_for_selector(".chip:has-text('-label:none-such')")
    assert page.input_value("#filter_project") == "OPS"

    page.select_option("#filter_category", "open")
    if not scripts:
        page.click("#filters button:text('Apply')")
    page.wait_for_selector("#results .chip:has-text('Open')")
    assert page.input_value("#filter_text") == "state:open project:OPS priority<=urgent -label:none-such"

    page.click("text=Save filter")
    page.fill("#id_name", f"Open ones {scripts}")
    page.click("main button:text('Save filter')")
    page.wait_for_selector(f"h1:has-text('Open ones {scripts}')")
    assert page.locator("button:has-text('Subscribe')").is_visible()
    row = SavedFilter.objects.get(name=f"Open ones {scripts}")
    assert row.filter == "state:open project:OPS priority<=urgent -label:none-such"

    page.click(f"a:has-text('Open ones {scripts}')")
    page.wait_for_selector(f"h1:has-text('Open ones {scripts}')")
    page.click(".page-head button:has-text('Subscribe')")
    page.wait_for_selector("button:has-text('Unsubscribe')")
    if scripts:
        assert page.evaluate("violations") == []


def test_names_of_many_people_are_loaded_on_use(sample_workspace, open_page, monkeypatch):
    for module in ("filters", "bulk"):
        monkeypatch.setattr(f"tasks.{module}.forms.MAX_LISTED_PEOPLE", 1)
    page = open_page(sample_workspace)
    page.goto("/tasks/?project=OPS")
    assert page.locator("#filter_assignee option:text('Bob Builder')").count() == 0

    page.check("input[name=ids] >> nth=0")
    for field in ("#filter_assignee", "#bulk_assignee"):
        page.focus(field)
        page.locator(f"{field} option:text('Bob Builder')").wait_for(state="attached")
    page.select_option("#filter_assignee", label="Bob Builder")
    page.wait_for_selector(".chip:has-text('Bob Builder')")
    assert page.evaluate("violations") == []
