"""Analysis of runs and models: comparisons, figures, findings, activations. No page, no server."""
