"""One process that writes and looks with models for every visitor, and the way to it."""
