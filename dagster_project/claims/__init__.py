"""Claims: sentences for verdicts, and contradictions within an article."""
