"""The replayed publishers, by source; a new one is a module here and a line below."""

from __future__ import annotations

from collections.abc import Mapping

from fetching.publishers.bea_ita import BeaIta
from fetching.publishers.fred import Fred
from fetching.publishers.korea_customs import KoreaCustoms
from fetching.publishers.publisher import Publisher
from fetching.publishers.un_comtrade import UnComtrade
from fetching.publishers.us_census import UsCensus
from fetching.publishers.usitc_dataweb import UsitcDataweb

PUBLISHERS: Mapping[str, Publisher] = {
    one.source_id: one
    for one in (UsCensus(), UnComtrade(), UsitcDataweb(), BeaIta(), KoreaCustoms(), Fred())
}
