"""Agents at work: processes, their CLIs, their worktrees and prompts."""
