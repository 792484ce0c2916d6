"""`tt`, the command line: parse, call a service, render, return an exit code."""
