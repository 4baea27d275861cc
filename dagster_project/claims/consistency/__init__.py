"""Figures of one text as linear inequalities: which of them cannot all be true, in plain Python."""
