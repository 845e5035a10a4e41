"""Bronze events: Gamma's Event object, one row whenever its content changed.

Its embedded markets are rows of `markets`; series and tags stay as JSON text.
"""

from __future__ import annotations

from bronze.field import columns, flag, json_text, number, text
from lake.dataset import LINEAGE, STRING, Column, Dataset

IDENTITY = (
    text("id", "Gamma's number of the event, ascending with creation"),
    text("ticker", "short name"),
    text("slug", "name in URLs"),
    text("title", "the topic, as people read it"),
    text("subtitle", "second line"),
    text("description", "the rules of resolution"),
    text("resolutionSource", "where the answer is read"),
    text("category", "topic"),
    text("subcategory", "topic below the category"),
    text("seriesSlug", "slug of the series it belongs to"),
    text("parentEvent", "the event above"),
    text("parentEventId", "id of the event above"),
    text("gameId", "the sports game; -1 for none"),
    text("sportsradarMatchId", "the game at another service"),
    text("turnProviderId", "the game at another service"),
    text("countryName", "elections: the country"),
    text("electionType", "elections: the office"),
    text("negRiskMarketID", "the neg-risk event on chain"),
)

TIMES = (
    text("startDate", "when it was listed, ISO 8601 UTC"),
    text("creationDate", "when it was made, ISO 8601 UTC"),
    text("endDate", "nominal deadline, ISO 8601 UTC"),
    text("createdAt", "when the row was made, ISO 8601 UTC"),
    text("updatedAt", "when Gamma last touched it, ISO 8601 UTC"),
    text("closedTime", "when it was settled, ISO 8601 UTC"),
    text("startTime", "start of the game, ISO 8601 UTC"),
    text("finishedTimestamp", "end of the game, ISO 8601 UTC"),
    text("eventDate", "the day of the game"),
    text("published_at", "when it went public, `YYYY-MM-DD HH:MM:SS.fff+00`"),
    text("deployingTimestamp", "when deployment began, ISO 8601 UTC"),
    text("scheduledDeploymentTimestamp", "when it is to deploy, ISO 8601 UTC"),
)

STATE = (
    flag("active", "stays true after closing: no test for being open"),
    flag("closed", "settled"),
    flag("archived", "hidden from the site"),
    flag("new", "marked new on the site"),
    flag("featured", "promoted on the site"),
    flag("restricted", "closed to some countries"),
    flag("enableOrderBook", "its markets have order books"),
    flag("negRisk", "one of its markets wins"),
    flag("enableNegRisk", "neg-risk conversion is on"),
    flag("negRiskAugmented", "outcomes may be added later"),
    flag("cyom", "made by a user"),
    flag("live", "the game is on"),
    flag("ended", "the game is over"),
    flag("showAllOutcomes", "site layout"),
    flag("showMarketImages", "site layout"),
    flag("automaticallyResolved", "resolves without UMA"),
    flag("automaticallyActive", "opens by itself"),
    flag("pendingDeployment", "not yet on chain"),
    flag("deploying", "being put on chain"),
    flag("commentsEnabled", "comments are open"),
    flag("requiresTranslation", "site texts need translation"),
    flag("estimateValue", "shows an estimate"),
    flag("cantEstimate", "no estimate possible"),
    flag("cumulativeMarkets", "its markets are thresholds of one number"),
)

NUMBERS = (
    number("liquidity", "dollars resting in its books"),
    number("liquidityClob", "dollars resting in its books"),
    number("liquidityAmm", "dollars in legacy market makers"),
    number("volume", "shares traded in all, each match once"),
    number("volume24hr", "shares traded in 24 hours"),
    number("volume1wk", "shares traded in a week"),
    number("volume1mo", "shares traded in a month"),
    number("volume1yr", "shares traded in a year"),
    number("openInterest", "dollars held in its outcomes"),
    number("competitive", "0 to 1, how even the odds are"),
    number("commentCount", "comments"),
    number("tweetCount", "tweets"),
    number("featuredOrder", "place among the promoted"),
    number("eventWeek", "sports: week of the season"),
    number("negRiskFeeBips", "neg-risk conversion fee, basis points"),
    number("spreadsMainLine", "sports: the main handicap"),
    number("totalsMainLine", "sports: the main total"),
    text("estimatedValue", "the estimate, a number in a string"),
    text("score", "sports: the score"),
    text("elapsed", "sports: minutes played"),
    text("period", "sports: half, quarter, FT, ..."),
    text("gameStatus", "sports: state of the game"),
)

DISPLAY = (
    text("image", "URL"),
    text("icon", "URL"),
    text("featuredImage", "URL"),
    text("color", "colour"),
    text("sortBy", "order of its markets on the site"),
    text("gmpChartMode", "site layout"),
    text("disqusThread", "comment thread"),
    text("createdBy", "internal number of who made it"),
    text("updatedBy", "internal number of who touched it"),
)

LISTS = (
    json_text("series", "list of series (id, slug, recurrence, ...)"),
    json_text("tags", "list of tags (id, label, slug)"),
    json_text("eventMetadata", "object; up/down: priceToBeat, finalPrice"),
    json_text("categories", "list of categories"),
    json_text("collections", "list of collections"),
    json_text("subEvents", "list of event ids"),
    json_text("eventCreators", "list of creators"),
    json_text("chats", "list of chats"),
    json_text("templates", "list of templates"),
    json_text("imageOptimized", "object"),
    json_text("iconOptimized", "object"),
    json_text("featuredImageOptimized", "object"),
)

FIELDS = (*IDENTITY, *TIMES, *STATE, *NUMBERS, *DISPLAY, *LISTS)

EVENTS = Dataset(
    name="events",
    about="Every event with its series and tags, a row each time it changed (Gamma).",
    columns=(
        *columns(FIELDS),
        Column("content_hash", STRING, "of the object without updatedAt and markets"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("id", "fetched_at"),
)
