"""The replayed publishers, by source; a new one is a module here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from fetch.publishers.publisher import Publisher

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

PUBLISHERS: Mapping[str, Publisher] = {one.source_id: one() for one in Publisher.__subclasses__()}
