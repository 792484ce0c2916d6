"""Pure decisions: (snapshot, outcomes, now) -> commands. Nothing here reads a clock or touches the world."""
