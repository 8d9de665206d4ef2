"""adldap-ha: turn one Auth0 AD/LDAP Connector into a verified, highly available cluster."""

__version__ = "0.1.0"
