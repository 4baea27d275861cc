"""The site: pages of the published warehouse that can be read, cited and checked to the row.

Belongs here: which pages there are, what stands on them, how they are drawn and take their
place. Does not belong here: any statistic; a number on a page is one that a query in `sql/`
read from the marts, and the page prints that query.
"""
