"""What the evidence of a failure means for people: one function `(Failure, Evidence) -> Reason | None` a collector."""
