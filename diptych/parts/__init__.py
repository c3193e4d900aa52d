"""Parts that methods share: objectives, heads, the method contract."""
