"""Methods: one file with one final class each, found by file name."""
