"""GitHub: issues, pull requests, checks, reviews and merges over its REST and GraphQL interfaces."""
