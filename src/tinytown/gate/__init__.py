"""The gate: what every request over HTTP passes before REST or MCP sees it."""
