"""Model families: features -> logits."""
