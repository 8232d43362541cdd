"""Labels that hold commas and quotes: filtered, shown and saved as they are."""

from __future__ import annotations

import pytest

from core.testing.page_client import logged_in_client
from core.text import join_names, split_names

pytestmark = pytest.mark.django_db
NAMES = ["Groceries, weekly", "home", 'the "big" one', "a;b"]


def test_label_filter_takes_names_with_commas(clients, project):
    client = clients["alice"]
    for title, labels in (("Shop", NAMES[:2]), ("Clean", NAMES[1:2]), ("Build", NAMES[2:])):
        client.post("/api/v1/tasks/", {"project": "OPS", "title": title, "labels": labels})

    def titles(**params):
        return {row["title"] for row in client.get("/api/v1/tasks/", params).json()["results"]}

    assert titles(label="Groceries, weekly") == {"Shop"}
    assert titles(label=["Groceries, weekly", 'the "big" one']) == {"Shop", "Build"}
    assert titles(label="Groceries") == set()


def test_pages_of_a_filtered_list_keep_all_labels(clients, project):
    for number in range(4):
        data = {"project": "OPS", "title": f"T{number}", "labels": [NAMES[number % 2]]}
        clients["alice"].post("/api/v1/tasks/", data)

    seen, url = [], "/api/v1/tasks/?label=Groceries%2C+weekly&label=home&limit=1"
    while url:
        body = clients["alice"].get(url).json()
        seen += [row["title"] for row in body["results"]]
        url = body["next"]

    assert sorted(seen) == ["T0", "T1", "T2", "T3"]


def test_form_keeps_labels_with_commas(clients, alice, project):
    clients["alice"].post("/api/v1/tasks/", {"project": "OPS", "title": "Shop", "labels": NAMES})
    browser = logged_in_client(alice)
    field = browser.get("/tasks/OPS-1/").context["form"]["labels"]

    data = {"title": "Shop", "initial-title": "Shop", "version": "1", "initial-labels": field.value()}
    browser.post("/tasks/OPS-1/", data | {"labels": f"{field.value()}, urgent"})

    labels = clients["alice"].get("/api/v1/tasks/OPS-1/").json()["labels"]
    assert labels == sorted([*NAMES, "urgent"])


@pytest.mark.parametrize("names", [[], ["a"], ["a, b", "c"], ['"'], ['"a", b', "c d"], ["牛奶，面包", "a"]])
def test_joined_names_are_split_into_the_same(names):
    assert split_names(join_names(names)) == names
