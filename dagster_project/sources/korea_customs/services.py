"""The two services of the portal with trade by country, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "korea_customs"
TABLE = "korea_customs__trade"
HOST = "https://apis.data.go.kr"
FLOWS = {"expDlr": "export", "impDlr": "import"}
BALANCE = "balPayments"
# A reply for a code of this many digits has rows of the next level.
CHILD_DIGITS = {2: 4, 4: 6, 6: 10}
LEVELS = {4: "hs4", 6: "hs6", 10: "hs10"}
PARENT_DIGITS = {2: 0, 4: 2, 6: 4, 10: 6}
# The services ignore page parameters and return everything at once. They are sent anyway: if they
# ever apply, the portal's default would be ten rows per page.
ROWS_PER_PAGE = 100_000


@dataclass(frozen=True)
class Service:
    """One service of the portal; access to each is requested on its own page."""

    name: str
    path: str
    layout: str
    page: str
    fields: frozenset[str]

    @property
    def required(self) -> tuple[str, ...]:
        codes = ("hsCd",) if "hsCd" in self.fields else ()
        return ("year", *codes, *FLOWS)


_SHARED_FIELDS = {"year", "statCd", "statCdCntnKor1", *FLOWS, BALANCE}
COUNTRIES = Service(
    name="countries",
    path="/1220000/nationtrade/getNationtradeList",
    layout="korea_customs_countries",
    page="https://www.data.go.kr/data/15101612/openapi.do",
    fields=frozenset(_SHARED_FIELDS | {"expCnt", "impCnt"}),
)
ITEMS = Service(
    name="items",
    path="/1220000/nitemtrade/getNitemtradeList",
    layout="korea_customs_items",
    page="https://www.data.go.kr/data/15100475/openapi.do",
    fields=frozenset(_SHARED_FIELDS | {"hsCd", "statKor", "expWgt", "impWgt"}),
)
BY_LAYOUT = {service.layout: service for service in (COUNTRIES, ITEMS)}
