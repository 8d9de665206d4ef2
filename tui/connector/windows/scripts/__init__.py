"""The PowerShell scripts that work on a connector."""
