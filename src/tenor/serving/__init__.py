"""Models behind HTTP: answers that equal those of `tenor predict`, and a page for people."""
