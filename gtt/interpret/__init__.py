"""What a run shows when it is looked into: comparisons, figures, findings. No page, no server."""
