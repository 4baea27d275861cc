"""Pictures: rows in, SVG out.

Belongs here: marks, scales, labels. Does not belong here: words around a picture, and which
rows it shows.

Every mark has a description that begins with the name of its series: it is what a pointer
shows, and how the script beside the pages tells series apart.
"""
