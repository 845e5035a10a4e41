-- How few wallets the trading of each market is in the hands of.
-- Grain: one row per market with a fill.
-- Key: condition_id
-- Units: volume_shares in shares, each match once, volume_usd in dollars; hhi,
-- hhi_usd and the shares of top ten and largest are fractions from 0 to 1.
-- Sources: silver.TraderToken, silver.MarketKey, silver.MarketDim
-- hhi is the Herfindahl-Hirschman index: the sum of the squares of each
-- wallet's part in the market's trading, 1 / traders where all trade alike, 1
-- where one wallet stands on both sides of everything. A wallet's part is the
-- shares of all its fills, as maker and as taker, over those of all wallets:
-- by shares the two sides of a match weigh the same. hhi_usd is the same of
-- the dollars that each wallet itself paid or was paid; there a maker on the
-- other token weighs 1 - p. top10_share is the part of the ten largest wallets
-- (all, where there are fewer), effective_traders 1 / hhi: so many wallets
-- trading alike would be as concentrated. A person may have several wallets.
-- Columns:
-- both_sides_usd: what all wallets paid or were paid, both sides
-- hhi: sum of squared parts of the shares traded, 0 to 1
-- hhi_usd: the same of the wallets' own dollars
-- largest_share: part of the largest wallet, by shares
-- top10_share: part of the ten largest wallets, by shares
-- top10_share_usd: part of the ten largest wallets, by dollars
-- effective_traders: 1 / hhi: so many wallets alike
with

pairs as not materialized (
    select * from silver.TraderToken
),

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

-- Most wallets have one token of a market, which needs no adding up, or one
-- that they traded beside others that an assumed split left: these add nothing.
traders_of_market as (
    select
        market_key,
        bought_shares + sold_shares as traded_shares,
        bought_usd + sold_usd as traded_usd
    from pairs
    where is_sole
    union all
    select
        market_key,
        sum(bought_shares + sold_shares) as traded_shares,
        sum(bought_usd + sold_usd) as traded_usd
    from pairs
    where not is_sole and trades > 0
    group by market_key, trader_key
),

by_market as (
    select
        market_key,
        count(*) as traders,
        sum(traded_shares) as both_sides_shares,
        sum(traded_usd) as both_sides_usd,
        sum(traded_shares * traded_shares) as squared_shares,
        sum(traded_usd * traded_usd) as squared_usd,
        max(traded_shares) as largest_shares,
        list_sum(max(traded_shares, 10)) as top10_shares,
        list_sum(max(traded_usd, 10)) as top10_usd
    from traders_of_market
    group by all
),

described as (
    select
        market_keys.condition_id,
        by_market.traders,
        by_market.both_sides_usd,
        coalesce(markets.question, market_keys.title) as question,
        by_market.both_sides_shares / 2 as volume_shares,
        by_market.squared_shares
        / nullif(pow(by_market.both_sides_shares, 2), 0) as hhi,
        by_market.squared_usd
        / nullif(pow(by_market.both_sides_usd, 2), 0) as hhi_usd,
        by_market.largest_shares
        / nullif(by_market.both_sides_shares, 0) as largest_share,
        by_market.top10_shares
        / nullif(by_market.both_sides_shares, 0) as top10_share,
        by_market.top10_usd
        / nullif(by_market.both_sides_usd, 0) as top10_share_usd
    from by_market
    inner join market_keys on by_market.market_key = market_keys.market_key
    left join markets on by_market.market_key = markets.market_key
),

-- a sum of parts may pass 1 by a rounding; least() would make null 1
final as (
    select
        condition_id,
        question,
        traders,
        volume_shares,
        both_sides_usd,
        if(hhi > 1, 1, hhi) as hhi,
        1 / if(hhi > 1, 1, hhi) as effective_traders,
        if(largest_share > 1, 1, largest_share) as largest_share,
        if(top10_share > 1, 1, top10_share) as top10_share,
        if(hhi_usd > 1, 1, hhi_usd) as hhi_usd,
        if(top10_share_usd > 1, 1, top10_share_usd) as top10_share_usd
    from described
)

select * from final
