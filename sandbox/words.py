"""The words that questions, wallets and tags are made of."""

# ruff: noqa: RUF001 - these are the letters that real questions have
from __future__ import annotations

PEOPLE = (
    "Caroline van der Plas", "José Ramírez", "Łukasz Nowak", "Zoë O’Hara",
    "Donald Trump", "Keir Starmer", "Claudia Sheinbaum", "François Bayrou",
    "Søren Kjær", "Mehmet Yıldız", "Taylor Swift", "Elon Musk", "Gavin Newsom",
    "Yuki Tanaka", "Ngozi Adébáyò", "Péter Magyar", "Ana Brnabić", "Björn Höcke",
)  # fmt: skip
THINGS = (
    "win the election", "resign by year end", "say “tariff” at the summit",
    "win Best Picture", "be the next Prime Minister", "visit Beijing",
    "win the Ballon d’Or", "post 300–319 times", "be confirmed as Fed Chair",
    "ship GPT-6", "cut rates by 25 bps", "win the Nobel Peace Prize",
)  # fmt: skip
CITIES = (
    "Dallas", "Los Angeles", "São Paulo", "Zürich", "Seoul", "London", "Ankara",
    "Buenos Aires", "New York City", "Kraków",
)  # fmt: skip
TEAMS = (
    "Mavericks", "Grizzlies", "Real Madrid", "Bayern München", "Celtics", "Lakers",
    "Atlético", "Yankees", "Dodgers", "Karmine Corp", "Natus Vincere", "T1",
)  # fmt: skip
COINS = (("Bitcoin", "btc", 10684, 10192), ("Ethereum", "eth", 10683, 10191))

TAGS: tuple[tuple[int, str, str], ...] = (
    (2, "Politics", "politics"), (1, "Sports", "sports"), (21, "Crypto", "crypto"),
    (596, "Culture", "pop-culture"), (84, "Weather", "weather"),
    (120, "Finance", "finance"), (1401, "Tech", "tech"),
    (102127, "Up or Down", "up-or-down"),
    (100265, "Geopolitics", "geopolitics"), (101842, "Sweeden", "sweeden"),
    (102067, "Madrid Open", "madrid-open"), (671, "jto", "jto"), (745, "NBA", "nba"),
    (126, "Trump", "trump"), (101302, "attorney general", "attorney-general"),
)  # fmt: skip
ADJECTIVES = (
    "Scary", "Frugal", "Silver", "Lonely", "Brisk", "Golden", "Quiet", "Rapid",
    "Mellow", "Distant", "Wicked", "Hollow", "Plain", "Vivid",
)  # fmt: skip
NOUNS = (
    "Barrel", "Harbor", "Tangerine", "Comet", "Walnut", "Lantern", "Badger",
    "Cobra", "Thunder", "Meadow", "Piano", "Cactus", "Marble",
)  # fmt: skip

DESCRIPTION = (
    "This market will resolve to “Yes” if the title comes true by the date named, "
    "11:59 PM ET. Otherwise, this market will resolve to “No”.\n\nThe primary "
    "resolution source will be official information; a consensus of credible "
    "reporting may also be used."
)
UPDOWN_DESCRIPTION = (
    'This market will resolve to "Up" if the price at the end of the time range '
    "specified in the title is greater than or equal to the price at the beginning of "
    'that range. Otherwise, it will resolve to "Down".\nThe resolution source is the '
    "data stream available at https://data.chain.link/streams/btc-usd."
)
UPLOADS = "https://polymarket-upload.s3.us-east-2.amazonaws.com/"


def slug_of(text: str) -> str:
    """A URL slug: lower case ASCII letters, digits and hyphens."""
    flat = "".join(c if c.isascii() and c.isalnum() else "-" for c in text.lower())
    return "-".join(part for part in flat.split("-") if part)
