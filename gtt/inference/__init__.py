"""The processes that run models for every visitor, and the client that hands them jobs."""
