"""adldap-ha: turn one Auth0 AD/LDAP Connector into a verified, highly available cluster."""

import os

__version__ = "0.1.0"

# Pydantic would look through every installed package for plugins of its own before the first model is made.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
