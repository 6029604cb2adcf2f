"""Model families and their parts: features to logits."""
