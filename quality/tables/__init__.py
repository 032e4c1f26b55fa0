"""What makes the tables of names that lie in `streams/entities/tables`."""
