"""Encrypted backups of configuration sets, and their catalogue."""
