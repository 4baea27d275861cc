"""The pages, one module per kind: which rows they show, and how they describe them.

Belongs here: queries, wording, composing figures. Does not belong here: drawing (`charts/`),
markup (`templates/`), addresses.

Each module has functions that take a `PageContext` and the subject of the page, and return its
files.
"""
