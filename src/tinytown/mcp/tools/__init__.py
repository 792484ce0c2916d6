"""The tools, one noun a module."""
