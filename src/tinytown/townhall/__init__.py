"""Townhall: the town over HTTP. The contract is the Townhall API v1; what is served so far says so in its document."""
