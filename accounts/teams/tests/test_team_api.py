from __future__ import annotations

import pytest

from accounts.models import Team, TeamMember
from accounts.tests.factories import TeamFactory, UserFactory
from core.testing.database_state import table_digests

TEAMS = "/api/v1/teams/"

pytestmark = pytest.mark.django_db


def test_who_makes_a_team_leads_it(clients, alice, outbox):
    answer = clients["alice"].post(TEAMS, {"name": "  Support "})

    assert answer.status_code == 201
    team = Team.objects.get()
    assert answer["Location"] == f"{TEAMS}{team.pk}/"
    assert {k: answer.json()[k] for k in ("name", "member_count", "version")} == {
        "name": "Support",
        "member_count": 1,
        "version": 1,
    }
    assert TeamMember.objects.get().role == "lead"
    assert outbox.only("team.created")["team"] == {"id": str(team.pk), "name": "Support"}


def test_a_name_is_taken_whatever_its_case(clients, alice, team):
    before = table_digests()

    answer = clients["alice"].post(TEAMS, {"name": "OPERATIONS"})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "taken")
    assert {name for name, value in table_digests().items() if value != before[name]} <= {"accounts_session"}


def test_a_team_is_renamed_upon_the_version_that_was_read(clients, team):
    url, client = f"{TEAMS}{team.pk}/", clients["alice"]
    tag = client.get(url)["ETag"]

    first = client.patch(url, {"name": "Ops"}, headers={"If-Match": tag})
    stale = client.patch(url, {"name": "Other"}, headers={"If-Match": tag})
    nothing = client.patch(url, {})
    same = client.patch(url, {"name": "Ops"})
    kept = client.delete(url, headers={"If-Match": tag})

    assert [answer.status_code for answer in (first, stale, nothing, same, kept)] == [200, 412, 200, 200, 412]
    assert (same.json()["name"], same.json()["version"]) == ("Ops", 2)
    assert Team.objects.get().name == "Ops"


def test_a_renaming_into_another_teams_name_is_refused(clients, team):
    TeamFactory(name="Support")

    answer = clients["alice"].patch(f"{TEAMS}{team.pk}/", {"name": "support"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "name")
    team.refresh_from_db()
    assert (team.name, team.version) == ("Operations", 1)


def test_members_come_change_and_go(clients, team, mallory, outbox):
    url, client = f"{TEAMS}{team.pk}/members/", clients["alice"]

    added = client.post(url, {"user": str(mallory.pk)})
    raised = client.post(url, {"user": str(mallory.pk), "role": "lead"})
    listed = client.get(url).json()["results"]
    removed = client.delete(f"{url}{mallory.pk}/")
    again = client.delete(f"{url}{mallory.pk}/")

    assert [a.status_code for a in (added, raised, removed, again)] == [201, 201, 204, 404]
    assert [(row["user"]["handle"], row["role"]) for row in listed] == [
        ("alice", "lead"),
        ("bob", "member"),
        ("mallory", "lead"),
    ]
    assert outbox.names() == ["team.member_added", "team.member_added", "team.member_removed"]


def test_a_team_keeps_a_lead(clients, alice, team):
    url, client = f"{TEAMS}{team.pk}/members/", clients["alice"]
    before = table_digests()

    answers = [client.delete(f"{url}{alice.pk}/"), client.post(url, {"user": str(alice.pk), "role": "member"})]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(409, "last_lead")] * 2
    assert {name for name, value in table_digests().items() if value != before[name]} <= {"accounts_session"}


def test_nobody_who_is_not_there_becomes_a_member(clients, team):
    gone = UserFactory(is_active=False)

    answer = clients["alice"].post(f"{TEAMS}{team.pk}/members/", {"user": str(gone.pk)})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "user")
    assert team.memberships.count() == 2


def test_one_sees_ones_own_teams_and_staff_see_all(clients, team, bob, mallory, carol):
    TeamFactory(name="Zeta")

    found = {who: [t["name"] for t in clients[who].get(TEAMS).json()["results"]] for who in ("bob", "mallory", "carol")}

    assert found == {"bob": ["Operations"], "mallory": [], "carol": ["Operations", "Zeta"]}


def test_a_member_of_a_team_gets_another_role_by_patch_while_a_lead_is_left(clients, team, alice, bob):
    members = f"{TEAMS}{team.pk}/members/"

    last = clients["alice"].patch(f"{members}{alice.pk}/", {"role": "member"})
    raised = clients["alice"].patch(f"{members}{bob.pk}/", {"role": "lead"})
    lowered = clients["bob"].patch(f"{members}{alice.pk}/", {"role": "member"})
    nobody = clients["bob"].get(f"{members}{team.pk}/")

    assert [answer.status_code for answer in (last, raised, lowered, nobody)] == [409, 200, 200, 404]
    assert (raised.json()["role"], raised.json()["version"]) == ("lead", 2)
    assert TeamMember.objects.get(user=alice).role == "member"
