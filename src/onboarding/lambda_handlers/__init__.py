"""Lambda entry points: each reads its event, calls one step, and says what became of it."""
