# Puts out what this host is, and what runs have left in the install Directory: lock (the lock file's text, null without one) and
# parked (the runs that have files aside). free: of the volume of Directory. Times are seconds since 1970, UTC.
param([string]$Directory)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$LockLength = 2000

function Get-Now {
    return ([DateTime]::UtcNow.Ticks - 621355968000000000) / 10000000.0
}

function Get-Free([string]$Path) {
    $root = [IO.Path]::GetPathRoot($Path)
    if ($root -notmatch '^[A-Za-z]:\\') { return $null }
    return [long](New-Object IO.DriveInfo($root)).AvailableFreeSpace
}

function Get-Machine {
    # Cloned machines may share the one and the other, but hardly both.
    $product = Get-CimInstance -ClassName Win32_ComputerSystemProduct
    $view = [Microsoft.Win32.RegistryView]::Registry64
    if (-not [Environment]::Is64BitOperatingSystem) { $view = [Microsoft.Win32.RegistryView]::Default }
    $root = [Microsoft.Win32.RegistryKey]::OpenBaseKey([Microsoft.Win32.RegistryHive]::LocalMachine, $view)
    $key = $root.OpenSubKey('SOFTWARE\Microsoft\Cryptography')
    if ($null -eq $key) { return $null }
    try { $number = [string]$key.GetValue('MachineGuid', '') } finally { $key.Close() }
    if (-not $number) { return $null }
    return ([string]$product.UUID) + '|' + $number
}

function Get-Lock([string]$Path) {
    if (-not [IO.File]::Exists($Path)) { return $null }
    if ([IO.File]::GetAttributes($Path) -band [IO.FileAttributes]::ReparsePoint) { return $null }
    $sharing = [IO.FileShare]::ReadWrite -bor [IO.FileShare]::Delete
    $stream = New-Object IO.FileStream($Path, [IO.FileMode]::Open, [IO.FileAccess]::Read, $sharing)
    $reader = New-Object IO.StreamReader($stream)
    try {
        $letters = New-Object char[] $LockLength
        $count = $reader.ReadBlock($letters, 0, $LockLength)
        return New-Object string($letters, 0, $count)
    } finally {
        $reader.Dispose()
    }
}

function Get-Parked([string]$Path) {
    if (-not [IO.Directory]::Exists($Path)) { return }
    foreach ($folder in [IO.Directory]::GetDirectories($Path)) { [IO.Path]::GetFileName($folder) }
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
        machine = (Get-Machine)
        lock = (Get-Lock ([IO.Path]::Combine($Directory, '.adldap-ha.lock')))
        parked = @(Get-Parked ([IO.Path]::Combine($Directory, '.adldap-ha')))
        powershell = [string]$PSVersionTable.PSVersion
    }
} catch {
    throw $_.Exception.GetBaseException()
}
