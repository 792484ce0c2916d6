"""Tools for working on this repository; no part of the package."""
