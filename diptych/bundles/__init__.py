"""A finished benchmark as one file: packed, verified offline on another machine, compared with another."""
