"""Template tags for icons, avatars, times and dates."""

from __future__ import annotations

import json
import zlib
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.templatetags.static import static
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from core.clock import current_time
from core.markdown import render_text

register = template.Library()
register.filter("markdown_text", render_text)
AVATAR_COLORS = 6
# Pixels of an edge: enough for the largest that pages show, at two dots a pixel.
AVATAR_PIXELS = 96


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Render an icon of the sprite. It is decoration; the text beside it carries the meaning.

    Browsers do not load `<use>` from another origin, so the sprite is served from here even with a CDN.
    """
    sprite = urlsplit(static("img/icons.svg")).path
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>', extra, sprite, name
    )


@register.simple_tag
def avatar(who: Any, extra: str = "") -> SafeString:
    """Render a user's picture, or their initials if there is none; `who` may be just a name."""
    if picture := getattr(who, "avatar", ""):
        url = reverse("avatar", args=[who.pk, picture, AVATAR_PIXELS])
        return format_html('<img class="avatar {}" src="{}" alt="" width="32" height="32">', extra, url)
    name = str(getattr(who, "name", who))
    # Python salts hash() for each process; the colour of a name must be the same everywhere.
    tone = zlib.crc32(name.encode()) % AVATAR_COLORS
    return format_html(
        '<span class="avatar tone-{} {}" dir="auto" aria-hidden="true">{}</span>', tone, extra, initials(name)
    )


@register.filter
def initials(name: str) -> str:
    words = [word for word in (part.strip("()[]\"'“”.,!?") for part in name.split()) if word] or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@register.simple_tag
def relative_time(when: datetime | None) -> SafeString:
    """Render an instant relative to now, with the exact local time on hover."""
    if when is None:
        return format_html('<span class="muted">{}</span>', "–")
    local = timezone.localtime(when)
    exact = formats.date_format(local, gettext("j M Y, H:i")) + f" {local.tzname()}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', when.isoformat(), exact, humanize_time(when, current_time())
    )


@register.simple_tag
def absolute_time(when: datetime) -> SafeString:
    local = timezone.localtime(when)
    return format_html(
        '<time datetime="{}">{}</time>',
        when.isoformat(),
        formats.date_format(local, gettext("j M Y, H:i")) + f" {local.tzname()}",
    )


def humanize_time(when: datetime, now: datetime) -> str:
    """Return "2 h ago", "in 3 days", or the date beyond a month."""
    distance = now - when
    size = abs(distance)
    if size < timedelta(minutes=1):
        return gettext("just now")
    if size >= timedelta(days=30):
        return formats.date_format(timezone.localtime(when), gettext("j M Y"))
    if size < timedelta(hours=1):
        span = gettext("%(n)d min") % {"n": size.seconds // 60}
    elif size < timedelta(days=1):
        span = gettext("%(n)d h") % {"n": size.seconds // 3600}
    else:
        span = ngettext("%(n)d day", "%(n)d days", size.days) % {"n": size.days}
    template_ = gettext("%(span)s ago") if distance > timedelta(0) else gettext("in %(span)s")
    return template_ % {"span": span}


@register.simple_tag
def short_date(when: date | None) -> SafeString:
    """Render a date; the year only if it is not the current one."""
    if when is None:
        return format_html('<span class="muted">{}</span>', "–")
    pattern = gettext("j M") if when.year == timezone.localdate(current_time()).year else gettext("j M Y")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        when.isoformat(),
        formats.date_format(when, gettext("l, j F Y")),
        formats.date_format(when, pattern),
    )


@register.simple_tag
def short_date_and_time(when: datetime) -> SafeString:
    """Render an instant as `short_date` renders a day, with the local time."""
    local = timezone.localtime(when)
    pattern = gettext("j M, H:i") if local.year == timezone.localdate(current_time()).year else gettext("j M Y, H:i")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        when.isoformat(),
        formats.date_format(local, gettext("l, j F Y, H:i")) + f" {local.tzname()}",
        formats.date_format(local, pattern),
    )


@register.filter
def as_json(value: Any) -> str:
    """Return a value as JSON for a data attribute; the CSP allows no inline scripts."""
    return json.dumps(value, cls=DjangoJSONEncoder)
