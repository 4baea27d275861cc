"""Charts: rows in, SVG out.

Belongs here: marks, scales, labels. Does not belong here: text around a chart, and the choice of
its rows.

The description of every mark starts with the name of its series: it is the tooltip, and the
script of the pages identifies series by it.
"""
