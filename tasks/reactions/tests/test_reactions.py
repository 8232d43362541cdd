"""Reactions: one for each user, emoji and object; counted with names; bounded; hidden with their task."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from accounts.tests.factories import UserFactory
from core.errors import Invalid
from core.testing.page_client import logged_in_client
from tasks.models import Comment, Reaction
from tasks.reactions.emoji import parse_emoji
from tasks.reactions.services import MAX_EMOJI
from tasks.tests.factories import CommentFactory, ReactionFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks/OPS-1/"


def test_emoji_have_one_spelling_and_other_text_is_refused():
    spellings = {
        "👍": "👍",
        "👍🏽": "👍🏽",
        "❤": "❤️",
        "❤️": "❤️",
        "🇩🇪": "🇩🇪",
        "1⃣": "1️⃣",
        "👩🏽‍🚀": "👩🏽‍🚀",
        "🏳‍🌈": "🏳️‍🌈",
        "👁️‍🗨️": "👁️‍🗨️",
        "☝🏽": "☝🏽",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿": "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    }

    assert {text: parse_emoji(text) for text in spellings} == spellings
    for text in (
        "",
        "a",
        "1",
        "👍👍",
        "👍a",
        ":+1:",
        "<b>",
        "\u200d",
        "\ufe0f",
        "🏽",
        "🇩",
        "👍‍" * 20,
        "❤" + "\ufe0f" * 99,
    ):
        with pytest.raises(Invalid):
            parse_emoji(text)


def test_reaction_is_added_and_removed_once(clients, task, alice, bob):
    comment = CommentFactory(task=task, author=bob)
    for url, target in ((URL, None), (f"{URL}comments/{comment.pk}/", comment)):
        thumb, heart = f"{url}reactions/{quote('👍')}/", f"{url}reactions/{quote('❤')}/"
        first, again = clients["alice"].put(thumb), clients["alice"].put(thumb)
        others = [clients["bob"].put(thumb).status_code, clients["bob"].put(heart).status_code]
        body = clients["viewer"].get(f"{url}reactions/").json()
        stored = Reaction.objects.filter(comment=target).count()
        removed = [clients["alice"].delete(thumb).status_code for _ in range(2)]

        assert (first.status_code, again.status_code) == (200, 200), url
        assert first.json() == again.json(), url
        assert others == [200, 200], url
        assert body["counts"] == {"❤️": 1, "👍": 2}, url
        assert [row["emoji"] for row in body["results"]] == ["👍", "👍", "❤️"], url
        assert stored == 3, url
        assert removed == [204, 204], url
        assert Reaction.objects.filter(comment=target, user=alice).count() == 0, url


def test_refused_reactions_change_nothing(clients, task, project):
    thumb = f"{URL}reactions/{quote('👍')}/"
    comment = CommentFactory()  # of another task
    faces = [chr(0x1F600 + index) for index in range(MAX_EMOJI + 1)]
    for emoji in faces[:MAX_EMOJI]:
        ReactionFactory(task=task, emoji=emoji)

    responses = [
        clients["mallory"].put(thumb),
        clients["viewer"].put(thumb),
        clients["alice"].put(f"{URL}reactions/x/"),
        clients["alice"].put(f"{URL}comments/{comment.pk}/reactions/{quote('👍')}/"),
        clients["alice"].put(f"{URL}reactions/{quote(faces[-1])}/"),
    ]

    assert [response.status_code for response in responses] == [404, 403, 400, 404, 409]
    assert str(MAX_EMOJI) in responses[-1].json()["detail"]
    assert responses[2].json()["errors"][0]["field"] == "emoji"
    assert Reaction.objects.count() == MAX_EMOJI
    assert clients["alice"].put(f"{URL}reactions/{quote(faces[0])}/").status_code == 200


def test_page_shows_reactions_with_names_by_one_query(task, alice, bob, django_assert_num_queries):
    comments = [CommentFactory(task=task, author=bob) for _ in range(3)]
    browser = logged_in_client(alice)
    page = f"/tasks/{task.key}/"
    for data in ({"emoji": "🎉"}, {"emoji": "👍", "comment": str(comments[0].pk)}, {"emoji": "no emoji"}):
        browser.post(f"{page}reactions/", data)
    bad_comment = browser.post(f"{page}reactions/", {"emoji": "👍", "comment": "no id"})
    for _ in range(12):
        ReactionFactory(task=task, emoji="🎉", user=UserFactory(name="Zoe <b>"))
    before = browser.get(page).content.decode()
    browser.post(f"{page}reactions/", {"emoji": "🎉", "remove": "true"})

    assert bad_comment.status_code == 404
    assert "Choose one emoji." in before
    assert "Zoe &lt;b&gt; and 3 more" in before
    assert before.count('class="reaction" type="submit" name="emoji" value="🎉" title=') == 1
    assert Reaction.objects.filter(user=alice).get().comment_id == comments[0].pk


def test_reactions_follow_their_comment_into_the_trash(clients, task, bob):
    comment = CommentFactory(task=task, author=bob)
    ReactionFactory(task=task, comment=comment, user=bob)
    clients["bob"].delete(f"{URL}comments/{comment.pk}/")
    deleted = Reaction.objects.count()
    [entry] = clients["bob"].get("/api/v1/trash/").json()["results"]

    clients["bob"].post(f"/api/v1/trash/{entry['id']}/restore/")

    assert deleted == 0
    assert Comment.objects.get().reactions.count() == 1
