"""Windows hosts in the lab: a WSMan endpoint, and answers to this project's own scripts."""
