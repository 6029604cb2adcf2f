"""Numbers, categories and dates beside texts, and what two texts have in common, as features."""
