"""The PowerShell scripts that a session with a Windows host is made of."""
