"""The parts of `auto`: the plan, the candidates, the blend, distillation."""
