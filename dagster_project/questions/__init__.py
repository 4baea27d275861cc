"""Answer queries from the published marts, in plain Python."""
