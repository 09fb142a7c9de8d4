"""Lessons: what they consist of, what of a run they can ask for, and how far somebody got."""
