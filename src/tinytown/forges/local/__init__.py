"""The forge without a server: issues are files, pull requests are in the store, checks are commands, git merges."""
