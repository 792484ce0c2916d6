"""A town of coding agents that turns a set of issues into merged pull requests."""

__version__ = "0.1.0"
