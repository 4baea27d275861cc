"""Fetching: sends the requests of a connector, and makes a release of what came.

The only package that reaches the network. Which requests, and what their replies mean, is
the connectors' (`dagster_project/sources/`).
"""
