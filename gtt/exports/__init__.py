"""Exports of a run: a page with the model in it, a script, a report, other formats."""
