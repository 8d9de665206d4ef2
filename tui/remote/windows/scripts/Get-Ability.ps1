# What this session may do. Under a constrained language mode only the first two values can be told, so nothing but
# variables and cmdlets is used before the mode is known.
param()
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$able = @{
    language_mode = "$($ExecutionContext.SessionState.LanguageMode)"
    version = "$($PSVersionTable.PSVersion)"
    user = $null
    elevated = $null
    administrator = $null
    computer = $null
    build = $null
}
if ($able.language_mode -eq 'FullLanguage') {
    $identity = [System.Security.Principal.WindowsIdentity]::GetCurrent()
    $administrators = New-Object System.Security.Principal.SecurityIdentifier 'S-1-5-32-544'
    $principal = New-Object System.Security.Principal.WindowsPrincipal $identity
    $able.user = $identity.Name
    $able.elevated = $principal.IsInRole($administrators)
    # Groups leaves out the groups that a filtered token may only be denied by; Claims has them.
    $able.administrator = @($identity.Claims | Where-Object { $_.Value -eq $administrators.Value }).Count -gt 0
    $able.computer = [System.Environment]::MachineName
    $able.build = [string][System.Environment]::OSVersion.Version.Build
}
ConvertTo-Json -Compress -Depth 6 -InputObject $able
