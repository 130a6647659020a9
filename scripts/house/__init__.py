"""Draws the rooms of `src/azstt` and the imports between them: docs/house.svg."""
