"""Embedded hosts, a directory and a tenant that speak the real protocols, for the demo and the tests."""
