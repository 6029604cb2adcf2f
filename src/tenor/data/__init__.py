"""Labelled data: read files, detect columns and labels, split into training and test parts."""
