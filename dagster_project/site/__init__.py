"""The site: pages of the published warehouse to read, cite and check against the source rows.

Belongs here: the pages, their content, their charts, and writing them. Does not belong here:
statistics. Every number on a page comes from the marts by a query in `sql/`, and the page shows
that query.
"""
