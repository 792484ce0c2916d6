"""MCP: the town's operations as tools, resources and prompts."""
