"""Emoji of reactions: one emoji each, in the form that Unicode calls fully-qualified."""

from __future__ import annotations

import regex
from django.utils.translation import gettext

from core.errors import Invalid
from tasks.models.reaction import MAX_EMOJI_LENGTH

# Offered on pages; any other emoji may be typed.
SUGGESTED_EMOJI = ("👍", "👎", "❤️", "🎉", "😄", "😕", "👀", "🚀")
# Possible emoji of UTS #51 (ED-14 to ED-17), without variation selectors: flags, keycaps, and sequences of characters
# with a skin tone or with tags, joined by U+200D.
_ELEMENT = r"[\p{Emoji}&&\p{Extended_Pictographic}](?:\p{Emoji_Modifier}|[\U000E0020-\U000E007E]{1,7}\U000E007F)?"
_EMOJI = regex.compile(
    rf"\p{{Regional_Indicator}}{{2}}|[0-9#*]\u20E3|{_ELEMENT}(?:\u200D{_ELEMENT}){{0,7}}", regex.VERSION1
)
# Shown as text unless the selector U+FE0F follows. A skin tone makes an emoji of its own.
_TEXT_BY_DEFAULT = regex.compile(
    r"([[\p{Emoji}&&\p{Extended_Pictographic}]--\p{Emoji_Presentation}](?!\p{Emoji_Modifier})|[0-9#*](?=\u20E3))",
    regex.VERSION1,
)


def parse_emoji(text: str) -> str:
    """Return an emoji with its variation selectors, so that each has one spelling. Raises Invalid for other text."""
    emoji = text[: MAX_EMOJI_LENGTH + 1].strip().replace("\ufe0e", "").replace("\ufe0f", "")
    if _EMOJI.fullmatch(emoji):
        emoji = _TEXT_BY_DEFAULT.sub("\\1\ufe0f", emoji)
        if len(text) <= MAX_EMOJI_LENGTH and len(emoji) <= MAX_EMOJI_LENGTH:
            return emoji
    raise Invalid.field("emoji", gettext("Choose one emoji."), "invalid")
