"""How much of damaged, truncated, late, gapped and joined media is heard, and at what time."""
