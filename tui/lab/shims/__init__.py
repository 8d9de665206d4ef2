"""Programs that stand on a lab host's PATH in place of what a test machine cannot have."""
