"""Synthetic worlds of trade: true flows are known, and reports differ from them as planted.

The truth of a world is one FOB value and one quantity for each exporter, importer, product and
year, drawn from a gravity model with heavy tails. Reports are made from it: exports are the truth
times the exporter's error, imports the truth times a CIF factor times the importer's error; then
reporters leave out, misplace and omit as real ones do. An estimate can therefore be compared with
the truth.

Nothing here describes real trade. Countries have real codes and, optionally, real places, so that
the project's parsers can read the files; their sizes, products and errors are random.

Belongs here: worlds, as frames (`reports`) and as files (`write_bulk_file`). Does not belong here:
estimation.
"""

from tests.world_generator.errors import (
    Errors,
    country_biased,
    heavy_tailed,
    log_normal,
    no_errors,
    one_sided_re_export,
)
from tests.world_generator.files import Written, write_bulk_file
from tests.world_generator.geography import Geography, made_up_geography, real_geography
from tests.world_generator.parameters import Cif, Reporting, World
from tests.world_generator.products import Products, made_up_products, real_products
from tests.world_generator.reporting import reporters, reports
from tests.world_generator.truth import truth

__all__ = [
    "Cif",
    "Errors",
    "Geography",
    "Products",
    "Reporting",
    "World",
    "Written",
    "country_biased",
    "heavy_tailed",
    "log_normal",
    "made_up_geography",
    "made_up_products",
    "no_errors",
    "one_sided_re_export",
    "real_geography",
    "real_products",
    "reporters",
    "reports",
    "truth",
    "write_bulk_file",
]
