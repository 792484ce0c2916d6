"""The only code that knows Redis. One transition, one script."""
