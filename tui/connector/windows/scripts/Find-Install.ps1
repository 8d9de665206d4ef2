# Puts out the services that may be a connector's, and what lies in the directories where one may be installed.
# Named: service names that the cluster file gives. Places: directories to look at. Markers: paths below them, `/`-separated.
param(
    [string[]]$Named = @(),
    [string[]]$Places = @(),
    [string[]]$Markers = @()
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$ServicesKey = 'SYSTEM\CurrentControlSet\Services'
$LinkLimit = 32

function Open-Key([string]$Path) {
    # Some services' keys are closed even to administrators: those are no connector's.
    try { return [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($Path) } catch { return $null }
}

function Get-Text($Key, [string]$Name) {
    if ($null -eq $Key) { return $null }
    $value = $Key.GetValue($Name, $null)
    if ($null -eq $value) { return $null }
    return [string]$value
}

function Get-Candidate([string]$Name) {
    $key = Open-Key "$ServicesKey\$Name"
    $parameters = Open-Key "$ServicesKey\$Name\Parameters"
    try {
        $display = Get-Text $key 'DisplayName'
        $arguments = Get-Text $parameters 'AppParameters'
        $wanted = ($Named -contains $Name) -or ($Named -contains $display) -or ($Name -like 'Auth0 ADLDAP*')
        if (-not $wanted -and $arguments -notmatch '\bserver\.js\b') { return }
        return @{
            name = $Name
            display = $display
            image = (Get-Text $key 'ImagePath')
            application = (Get-Text $parameters 'Application')
            arguments = $arguments
            directory = (Get-Text $parameters 'AppDirectory')
        }
    } finally {
        if ($null -ne $parameters) { $parameters.Close() }
        if ($null -ne $key) { $key.Close() }
    }
}

function Add-State([hashtable]$Candidate) {
    $filter = "Name='" + $Candidate['name'].Replace('\', '\\').Replace("'", "\'") + "'"
    $found = @(Get-CimInstance -ClassName Win32_Service -Filter $filter)
    # A key whose service the service manager no longer knows is left over from an uninstall.
    if ($found.Count -eq 0) { return }
    $Candidate['state'] = ([string]$found[0].State).Replace(' ', '')
    $Candidate['start_mode'] = [string]$found[0].StartMode
    $Candidate['account'] = [string]$found[0].StartName
    if ($null -eq $Candidate['display']) { $Candidate['display'] = [string]$found[0].DisplayName }
    return $Candidate
}

function Resolve-Links([string]$Path) {
    $real = [IO.Path]::GetFullPath($Path).TrimEnd('\')
    for ($count = 0; $count -lt $LinkLimit; $count++) {
        $followed = $false
        $parts = $real.Split('\')
        for ($depth = 1; $depth -lt $parts.Length; $depth++) {
            $prefix = [string]::Join('\', $parts, 0, $depth + 1)
            if (-not [IO.Directory]::Exists($prefix)) { break }
            $attributes = [IO.File]::GetAttributes($prefix)
            if (-not ($attributes -band [IO.FileAttributes]::ReparsePoint)) { continue }
            $target = [string](@((Get-Item -LiteralPath $prefix -Force).Target) | Select-Object -First 1)
            $target = $target -replace '^\\\?\?\\', ''
            if (-not $target) { continue }
            if ($target -notmatch '^[A-Za-z]:\\') {
                if ($target.Contains(':') -or $target.StartsWith('\') -or $target -match '^(UNC|Volume\{)') { continue }
                $target = [IO.Path]::Combine([IO.Path]::GetDirectoryName($prefix), $target)
            }
            $rest = [string]::Join('\', $parts, $depth + 1, $parts.Length - $depth - 1)
            $real = [IO.Path]::GetFullPath([IO.Path]::Combine($target, $rest)).TrimEnd('\')
            $followed = $true
            break
        }
        if (-not $followed) { return $real }
    }
    return $real
}

function Get-Version([string]$Directory) {
    $path = [IO.Path]::Combine($Directory, 'package.json')
    if (-not [IO.File]::Exists($path)) { return $null }
    $sharing = [IO.FileShare]::ReadWrite -bor [IO.FileShare]::Delete
    $stream = New-Object IO.FileStream($path, [IO.FileMode]::Open, [IO.FileAccess]::Read, $sharing)
    $reader = New-Object IO.StreamReader($stream)
    try { $text = $reader.ReadToEnd() } finally { $reader.Dispose() }
    try { $package = ConvertFrom-Json $text } catch { return $null }
    if ($null -eq $package) { return $null }
    $version = $package.PSObject.Properties['version']
    if ($null -eq $version) { return $null }
    return [string]$version.Value
}

function Get-Owner([string]$Directory) {
    $security = [IO.Directory]::GetAccessControl($Directory, [Security.AccessControl.AccessControlSections]::Owner)
    $sid = $security.GetOwner([Security.Principal.SecurityIdentifier])
    if ($null -eq $sid) { return '' }
    try { return $sid.Translate([Security.Principal.NTAccount]).Value } catch { return $sid.Value }
}

function Get-Directory([string]$Asked) {
    if (-not [IO.Directory]::Exists($Asked)) { return }
    $real = Resolve-Links $Asked
    $present = @(foreach ($marker in $Markers) {
            $path = [IO.Path]::Combine($real, $marker.Replace('/', '\'))
            if ([IO.File]::Exists($path) -or [IO.Directory]::Exists($path)) { $marker }
        })
    return @{
        asked = $Asked
        real = $real
        markers = $present
        version = (Get-Version $real)
        owner = (Get-Owner $real)
        node = [IO.File]::Exists([IO.Path]::Combine($real, 'node.exe'))
    }
}

try {
    $root = Open-Key $ServicesKey
    try { $names = $root.GetSubKeyNames() } finally { $root.Close() }
    $services = @(foreach ($name in $names) {
            $candidate = Get-Candidate $name
            if ($null -ne $candidate) { Add-State $candidate }
        })
    $asked = @($Places)
    foreach ($service in $services) {
        $place = $service['directory']
        if (-not $place) { continue }
        $asked += $place
        if ($place.TrimEnd('\') -like '*\admin') { $asked += [IO.Path]::GetDirectoryName($place.TrimEnd('\')) }
    }
    $directories = @(foreach ($place in @($asked | Select-Object -Unique)) { Get-Directory $place })
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ services = $services; directories = $directories }
} catch {
    throw $_.Exception.GetBaseException()
}
