"""Fetching: sends the requests of a connector and makes a release from the replies.

This is the only package that reaches the network. The connectors (`dagster_project/sources/`)
define the requests and the meaning of replies.
"""
