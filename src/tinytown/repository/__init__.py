"""The git repository on this machine: commits, branches, worktrees. The git CLI by argv, never through a shell."""
