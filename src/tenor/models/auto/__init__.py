"""Parts of `auto`: plan, candidates, blend, distillation."""
