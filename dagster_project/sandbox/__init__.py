"""A user's query on the published warehouse: it may read, and the kernel prevents all else.

`query_policy` decides which statements and functions are accepted. Here, `connection` opens the
warehouse so that nothing else can be reached, `kernel` takes the right to write from a process, and
`process` runs one query in such a process, within limits of time, memory, temporary space and rows.
"""
