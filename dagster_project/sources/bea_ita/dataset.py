"""The dataset ITA: its names, its frequencies, and the publisher's words for all areas."""

from __future__ import annotations

SOURCE_ID = "bea_ita"
TABLE = "bea_ita__transactions"
LAYOUT = "bea_ita_v1"
OBTAINED_AT = "https://apps.bea.gov/API/signup/"

CALENDAR = (
    "Quarterly, some eleven weeks after the quarter; each June the accounts are restated for"
    " several years."
)

FIRST_YEAR = 1960
ALL, ALL_COUNTRIES = "All", "AllCountries"
QUARTERS = ("QSA", "QNSA")
FREQUENCIES = ("A", *QUARTERS)
