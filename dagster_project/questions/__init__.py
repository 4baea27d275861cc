"""Questions put to the published warehouse: plain Python, thin, over the marts."""
