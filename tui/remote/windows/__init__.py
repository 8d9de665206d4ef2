"""How a Windows host is reached: PowerShell remoting over WinRM, or OpenSSH."""
