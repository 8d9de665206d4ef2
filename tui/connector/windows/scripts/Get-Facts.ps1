# Puts out what this host is. Directory: the install, of whose volume the free space is told. Times are seconds since 1970, UTC.
param([string]$Directory)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

function Get-Now {
    return ([DateTime]::UtcNow.Ticks - 621355968000000000) / 10000000.0
}

function Get-Free([string]$Path) {
    $root = [IO.Path]::GetPathRoot($Path)
    if ($root -notmatch '^[A-Za-z]:\\') { return $null }
    return [long](New-Object IO.DriveInfo($root)).AvailableFreeSpace
}

try {
    $began = Get-Now
    $system = Get-CimInstance -ClassName Win32_OperatingSystem
    $computer = Get-CimInstance -ClassName Win32_ComputerSystem
    $domain = $null
    if ($computer.PartOfDomain) { $domain = [string]$computer.Domain }
    # A 32-bit PowerShell on a 64-bit system is told of the system by the second variable only.
    $architecture = $env:PROCESSOR_ARCHITEW6432
    if (-not $architecture) { $architecture = $env:PROCESSOR_ARCHITECTURE }
    ConvertTo-Json -Compress -Depth 6 -InputObject @{
        name = ([string]$system.Caption).Trim()
        build = [string]$system.BuildNumber
        architecture = [string]$architecture
        memory = [long]$computer.TotalPhysicalMemory
        free = (Get-Free $Directory)
        began = $began
        now = (Get-Now)
        computer = [string]$env:COMPUTERNAME
        domain = $domain
        powershell = [string]$PSVersionTable.PSVersion
    }
} catch {
    throw $_.Exception.GetBaseException()
}
