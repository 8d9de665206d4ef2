"""Probes and verdicts: is an instance healthy, is the cluster."""
