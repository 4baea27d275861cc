"""Find figures of one article that cannot all be true, as linear inequalities in plain Python."""
