"""A connector on a Windows host."""
