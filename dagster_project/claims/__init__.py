"""Claims: what is made of the verdicts and figures that the marts hold."""
