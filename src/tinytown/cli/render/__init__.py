"""Values to lines of text; nothing here prints, reads a clock or knows a store."""
