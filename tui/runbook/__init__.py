"""The procedure as data and the engine that performs it."""
