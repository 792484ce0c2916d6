"""Values and transition tables. No I/O, no clock, no environment; only msgspec and the standard library."""
