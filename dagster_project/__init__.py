"""Bilateral: trade statistics with their basis, their release and their raw row."""
