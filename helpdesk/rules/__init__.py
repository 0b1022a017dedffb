"""Pure decisions: conditions, effects, terms, follow-ups. No database."""
