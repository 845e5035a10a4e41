"""Bronze markets: Gamma's Market object, one row whenever its content changed.

Most keys are absent when unset, so every column but `id` may be null. Times are kept
as the service writes them, in its several forms; silver reads them.
"""

from __future__ import annotations

from bronze.field import columns, flag, json_text, number, text
from lake.dataset import LINEAGE, STRING, Column, Dataset

IDENTITY = (
    text("id", "Gamma's number of the market, ascending with creation"),
    text("conditionId", "the market's key in trades; blank until hydrated"),
    text("questionID", "0x hex; neg-risk siblings differ in the last byte only"),
    text("slug", "name in URLs"),
    text("pastSlugs", "earlier slugs"),
    text("question", "the question, as people read it"),
    text("description", "the rules of resolution"),
    text("version", "v1 or v2; v2 trades position_ids, not clob_token_ids"),
    text("marketType", "normal or scalar"),
    text("formatType", "how bounds are shown: decimal, ..."),
    text("ammType", "legacy market maker type"),
    text("category", "topic"),
    text("subcategory", "topic below the category"),
    text("resolutionSource", "where the answer is read"),
    text("groupItemTitle", "the market's name inside its event"),
    text("groupItemThreshold", "order inside its event"),
    json_text("groupItemRange", "list: lower and upper bound inside its event"),
    text("comboStatus", "whether the market may be part of combos"),
    text("gameId", "the sports game"),
    text("sportsMarketType", "moneyline, totals, ..."),
    text("teamAID", "the first team", "team_a_id"),
    text("teamBID", "the second team", "team_b_id"),
    number("line", "sports: the handicap or total"),
    number("marketGroup", "legacy group"),
    number("curationOrder", "editorial order"),
    number("score", "editorial score"),
)

OUTCOMES = (
    json_text("outcomes", "list of outcome names"),
    json_text("outcomePrices", "list of prices as text, dollars, by outcome"),
    json_text("clobTokenIds", "list of token ids as text, by outcome"),
    json_text("positionIds", "Protocol V2: list of token ids as text, by outcome"),
    json_text("shortOutcomes", "list of short outcome names"),
    text("lowerBound", "scalar markets: lower bound"),
    text("upperBound", "scalar markets: upper bound"),
    text("lowerBoundDate", "scalar markets: lower bound as a date"),
    text("upperBoundDate", "scalar markets: upper bound as a date"),
    text("xAxisValue", "chart: label of the x axis"),
    text("yAxisValue", "chart: label of the y axis"),
)

TIMES = (
    text("createdAt", "when the market was made, ISO 8601 UTC"),
    text("updatedAt", "when Gamma last touched it, ISO 8601 UTC"),
    text("startDate", "when it was listed, ISO 8601 UTC"),
    text("startDateIso", "the day of start_date"),
    text("endDate", "nominal deadline, ISO 8601 UTC; trading may stop elsewhere"),
    text("endDateIso", "the day of end_date"),
    text("closedTime", "when it was settled, `YYYY-MM-DD HH:MM:SS+00`"),
    text("eventStartTime", "start of the game or window, ISO 8601 UTC"),
    text("gameStartTime", "start of the game, `YYYY-MM-DD HH:MM:SS+00`"),
    text("acceptingOrdersTimestamp", "since when orders are taken, ISO 8601 UTC"),
    text("deployingTimestamp", "when deployment began, ISO 8601 UTC"),
    text("scheduledDeploymentTimestamp", "when it is to deploy, ISO 8601 UTC"),
    text("readyTimestamp", "when it was ready, ISO 8601 UTC"),
    text("fundedTimestamp", "when it was funded, ISO 8601 UTC"),
)

STATE = (
    flag("active", "stays true after closing: no test for being open"),
    flag("closed", "settled"),
    flag("archived", "hidden from the site"),
    flag("new", "marked new on the site"),
    flag("featured", "promoted on the site"),
    flag("restricted", "closed to some countries"),
    flag("wideFormat", "site layout"),
    flag("enableOrderBook", "has an order book"),
    flag("acceptingOrders", "takes orders; may be true on closed markets"),
    flag("notificationsEnabled", "site notifications"),
    flag("hasReviewedDates", "dates were reviewed"),
    flag("readyForCron", "internal"),
    flag("ready", "deployment is ready"),
    flag("funded", "deployment is funded"),
    flag("fpmmLive", "legacy market maker was live"),
    flag("cyom", "made by a user"),
    flag("approved", "approved by the exchange"),
    flag("automaticallyActive", "opens by itself"),
    flag("automaticallyResolved", "resolves without UMA"),
    flag("clearBookOnStart", "orders are wiped at the start of the game"),
    flag("manualActivation", "opens by hand"),
    flag("pendingDeployment", "not yet on chain"),
    flag("deploying", "being put on chain"),
    flag("rfqEnabled", "requests for quotes"),
    flag("feesEnabled", "takers pay a fee"),
    flag("holdingRewardsEnabled", "holders are paid"),
    flag("requiresTranslation", "site texts need translation"),
    flag("commentsEnabled", "comments are open"),
    flag("pagerDutyNotificationEnabled", "internal"),
    flag("showGmpSeries", "site layout"),
    flag("showGmpOutcome", "site layout"),
    flag("sentDiscord", "internal"),
)

VOLUMES = (
    text("volume", "shares traded in all, a number in a string"),
    text("liquidity", "dollars resting, a number in a string"),
    number("volumeNum", "shares traded in all, each match once"),
    number("liquidityNum", "dollars resting in the book"),
    number("volume24hr", "shares traded in 24 hours"),
    number("volume1wk", "shares traded in a week"),
    number("volume1mo", "shares traded in a month"),
    number("volume1yr", "shares traded in a year"),
    number("volumeClob", "shares traded in the book"),
    number("volume24hrClob", "shares traded in the book in 24 hours"),
    number("volume1wkClob", "shares traded in the book in a week"),
    number("volume1moClob", "shares traded in the book in a month"),
    number("volume1yrClob", "shares traded in the book in a year"),
    number("volumeAmm", "traded against the legacy market maker"),
    number("volume24hrAmm", "legacy market maker, 24 hours"),
    number("volume1wkAmm", "legacy market maker, a week"),
    number("volume1moAmm", "legacy market maker, a month"),
    number("volume1yrAmm", "legacy market maker, a year"),
    number("liquidityClob", "dollars resting in the book"),
    number("liquidityAmm", "dollars in the legacy market maker"),
    number("bestBid", "dollars a share, first outcome"),
    number("bestAsk", "dollars a share, first outcome"),
    number("spread", "dollars a share"),
    number("lastTradePrice", "dollars a share, first outcome"),
    number("oneHourPriceChange", "dollars a share, first outcome"),
    number("oneDayPriceChange", "dollars a share, first outcome"),
    number("oneWeekPriceChange", "dollars a share, first outcome"),
    number("oneMonthPriceChange", "dollars a share, first outcome"),
    number("oneYearPriceChange", "dollars a share, first outcome"),
    number("competitive", "0 to 1, how even the odds are"),
)

TRADING = (
    number("orderPriceMinTickSize", "dollars, smallest step of a price"),
    number("orderMinSize", "shares, smallest order"),
    number("makerBaseFee", "1000 on fee markets; not the fee"),
    number("takerBaseFee", "1000 on fee markets; not the fee"),
    number("makerRebatesFeeShareBps", "makers' share of the fee, basis points"),
    text("feeType", "name of the fee schedule"),
    json_text(
        "feeSchedule", "object: rate, exponent, takerOnly, rebateRate; as of now"
    ),
    text("fee", "legacy market maker fee, 18 decimals"),
    number("secondsDelay", "seconds an order waits before it matches"),
    number("rewardsMinSize", "shares, smallest order that earns rewards"),
    number("rewardsMaxSpread", "cents from the middle that earn rewards"),
    json_text("clobRewards", "list of reward programmes"),
    text("denominationToken", "legacy collateral"),
    text("marketMakerAddress", "legacy market maker, mixed-case hex; blank for books"),
    flag("negRisk", "one of several markets of which one wins"),
    flag("negRiskOther", "the `Other` leg of a neg-risk event"),
    text("negRiskMarketID", "the neg-risk event on chain"),
    text("negRiskRequestID", "the neg-risk question on chain"),
    json_text("cryptoMarketConfig", "object: asset, duration, TWAP settings"),
)

RESOLUTION = (
    text("umaResolutionStatus", "proposed, disputed, resolved; absent before"),
    json_text("umaResolutionStatuses", "list: history of the status"),
    text("umaBond", "dollars, a number in a string"),
    text("umaReward", "dollars, a number in a string"),
    text("umaEndDate", "when UMA ended, ISO 8601 UTC"),
    text("umaEndDateIso", "the day of uma_end_date"),
    number("customLiveness", "seconds of UMA's challenge window; 0 is the default"),
    text("resolvedBy", "the resolver's address, mixed-case hex"),
    text("submitted_by", "the proposer's address, mixed-case hex"),
)

DISPLAY = (
    text("image", "URL"),
    text("icon", "URL"),
    json_text("imageOptimized", "object"),
    json_text("iconOptimized", "object"),
    text("twitterCardImage", "URL"),
    text("twitterCardLocation", "URL"),
    text("twitterCardLastRefreshed", "unix milliseconds as text"),
    text("twitterCardLastValidated", "unix milliseconds as text"),
    text("sponsorName", "sponsor"),
    text("sponsorImage", "URL"),
    text("mailchimpTag", "newsletter tag"),
    text("categoryMailchimpTag", "newsletter tag of the category"),
    text("disqusThread", "comment thread"),
    text("chartColor", "colour"),
    text("seriesColor", "colour"),
    text("creator", "who made it"),
    text("createdBy", "internal number of who made it"),
    text("updatedBy", "internal number of who touched it"),
    json_text("tags", "list of tags, where the answer had them"),
    json_text("categories", "list of categories"),
)

FIELDS = (
    *IDENTITY,
    *OUTCOMES,
    *TIMES,
    *STATE,
    *VOLUMES,
    *TRADING,
    *RESOLUTION,
    *DISPLAY,
)

ADDED = (
    Column("event_id", STRING, "the event the market belongs to (the first one named)"),
    Column("event_slug", STRING, "that event's slug"),
    Column(
        "content_hash", STRING, "of the object without updatedAt, tags, other events"
    ),
)

MARKETS = Dataset(
    name="markets",
    about="Every market of the exchange, a row each time its content changed (Gamma).",
    columns=(*columns(FIELDS), *ADDED, *LINEAGE),
    day_of="fetched_at",
    sort_by=("id", "fetched_at"),
)
