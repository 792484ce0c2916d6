"""The demonstration: an agent that needs no model."""
