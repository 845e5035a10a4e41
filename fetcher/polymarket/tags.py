"""Tags: what people call a topic, and the number that Gamma's filters take."""

from __future__ import annotations

import re
from urllib.parse import quote

from fetcher.errors import Gone
from fetcher.polymarket.gamma import OTHER_GROUPS, Filter, Item
from fetcher.run import Run
from settings.errors import UsageError

_LABELS_A_PAGE = 100


def tag_id(run: Run, name: str) -> str:
    """Return the id of the tag with this slug or label. Raises UsageError naming it."""
    slug = re.sub(r"[^\w]+", "-", name.strip().lower()).strip("-")
    if slug:
        try:
            path = f"/tags/slug/{quote(slug, safe='')}"
            tag = run.gamma.get(path, groups=OTHER_GROUPS).json()
        except Gone:
            tag = _by_label(run, name)
        if isinstance(tag, dict) and str(tag.get("id")).isdigit():
            return str(tag["id"])
    raise UsageError(f"--tag {name}: Polymarket has no such tag.")


def tagged(tag: str) -> Filter:
    """Markets with this tag; their rows then name their tags."""
    return Filter((("tag_id", tag), ("include_tag", "true")), lambda m: has_tag(m, tag))


def has_tag(item: Item, tag: str) -> bool:
    """Whether a market or an event carries the tag."""
    tags = item.get("tags")
    return isinstance(tags, list) and any(
        isinstance(one, dict) and str(one.get("id")) == tag for one in tags
    )


def _by_label(run: Run, label: str) -> Item | None:
    """The tag with this label, from the list of all of them (by offset, 100 a page)."""
    wanted, offset = label.strip().casefold(), 0
    while True:
        params = [("limit", str(_LABELS_A_PAGE)), ("offset", str(offset))]
        tags = run.gamma.get("/tags", params, groups=OTHER_GROUPS).json()
        if not isinstance(tags, list) or not tags:
            return None
        for tag in tags:
            if isinstance(tag, dict) and str(tag.get("label")).casefold() == wanted:
                return tag
        offset += len(tags)
        run.check()
