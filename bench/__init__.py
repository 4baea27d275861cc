"""Measurements beside a floor taken in the same run; no test, and nothing the product needs."""
