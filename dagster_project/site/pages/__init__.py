"""The pages, one room a kind: which rows stand on them, in which words.

Belongs here: asking, wording, putting figures together. Does not belong here: drawing
(`charts/`), markup (`templates/`), addresses.

Each room has functions that take a `PageContext` and what the page is about, and give its files.
"""
