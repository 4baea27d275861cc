"""The replayed publishers, by source; a new one is a module here and a line below."""

from __future__ import annotations

from collections.abc import Mapping

from fetch.publishers.bea_ita import BeaIta
from fetch.publishers.fred import Fred
from fetch.publishers.korea_customs import KoreaCustoms
from fetch.publishers.publisher import Publisher
from fetch.publishers.un_comtrade import UnComtrade
from fetch.publishers.us_census import UsCensus
from fetch.publishers.usitc_dataweb import UsitcDataweb

PUBLISHERS: Mapping[str, Publisher] = {
    one.source_id: one
    for one in (UsCensus(), UnComtrade(), UsitcDataweb(), BeaIta(), KoreaCustoms(), Fred())
}
