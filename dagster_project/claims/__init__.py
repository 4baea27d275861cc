"""Claims: writes verdicts as sentences and finds contradictions within an article."""
