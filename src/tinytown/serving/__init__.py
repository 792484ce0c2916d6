"""The server processes: which face listens where."""
