"""The steps of the procedure, each one idempotent and undone to the byte."""
