"""What a run is taken home as: a page with the model in it, a script, a report, other formats."""
