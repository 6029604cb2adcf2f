"""Reading and writing files, one format a file."""
