"""Bodies of requests and answers: the names, types and enums are the contract's (Townhall API v1)."""
