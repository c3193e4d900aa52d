"""Boards: what MLflow returns, as tables, figures, sentences and one page."""
