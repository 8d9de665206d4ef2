# Moves parts of the set into Directory\.adldap-ha\Run and back: renames on one volume, so bytes and ACL stay.
# Action: park | unpark (Relative, `\`-separated, known there as Name), list, discard | sweep (Places: the set's directories).
# outcome: parked, nothing or done; names: what is parked. [led-away]: a link, which nobody of us made, leads out of Directory.
param(
    [string]$Directory,
    [string]$Action,
    [string]$Run,
    [string]$Relative = '',
    [string]$Name = '',
    [string[]]$Places = @()
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

# Nobody but the system and administrators sees what is kept aside.
$Closed = 'D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)'
$CutOff = '^\.adldap-ha-.+-[0-9a-f]{16}\.tmp$'
$SweepDepth = 6

$Top = [IO.Path]::Combine($Directory, '.adldap-ha')
$Parking = [IO.Path]::Combine($Top, $Run)
$Replaced = [IO.Path]::Combine($Parking, '.replaced')

function Test-Entry([string]$Path) {
    return [IO.File]::Exists($Path) -or [IO.Directory]::Exists($Path)
}

function Test-Link([string]$Path) {
    if (-not (Test-Entry $Path)) { return $false }
    return [bool]([IO.File]::GetAttributes($Path) -band [IO.FileAttributes]::ReparsePoint)
}

function Assert-Inside([string]$Path) {
    $folder = [IO.Path]::GetDirectoryName($Path)
    while ($folder.Length -gt $Directory.TrimEnd('\').Length) {
        if (Test-Link $folder) { throw (New-Object InvalidOperationException("[led-away] $folder is a link")) }
        $folder = [IO.Path]::GetDirectoryName($folder)
    }
}

function Assert-NotInUse([string]$Folder) {
    foreach ($file in [IO.Directory]::GetFiles($Folder, '*', [IO.SearchOption]::AllDirectories)) {
        (New-Object IO.FileStream($file, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]::None)).Dispose()
    }
}

function Move-One([string]$Source, [string]$Target) {
    if (-not [IO.Directory]::Exists($Source)) {
        [IO.File]::Move($Source, $Target)
        return
    }
    try {
        [IO.Directory]::Move($Source, $Target)
    } catch {
        # Of a folder in which a process holds a file open Windows says only that access is denied: opening the files tells.
        if (-not (Test-Link $Source)) { Assert-NotInUse $Source }
        throw
    }
}

function Remove-All([string]$Path) {
    if (-not (Test-Entry $Path)) { return }
    $attributes = [IO.File]::GetAttributes($Path)
    if ($attributes -band [IO.FileAttributes]::Directory) {
        if (-not ($attributes -band [IO.FileAttributes]::ReparsePoint)) {
            foreach ($child in [IO.Directory]::GetFileSystemEntries($Path)) { Remove-All $child }
        }
        [IO.Directory]::Delete($Path)
        return
    }
    if ($attributes -band [IO.FileAttributes]::ReadOnly) { [IO.File]::SetAttributes($Path, [IO.FileAttributes]::Normal) }
    [IO.File]::Delete($Path)
}

function Remove-CutOff([string]$Folder, [string]$Pattern, [int]$Depth) {
    if (-not [IO.Directory]::Exists($Folder) -or (Test-Link $Folder)) { return }
    foreach ($entry in [IO.Directory]::GetFileSystemEntries($Folder)) {
        if ([IO.Path]::GetFileName($entry) -match $Pattern) {
            Remove-All $entry
        } elseif ($Depth -gt 1 -and [IO.Directory]::Exists($entry)) {
            Remove-CutOff $entry $Pattern ($Depth - 1)
        }
    }
}

function Remove-Writes([string]$Path) {
    # A write that was cut off may still go on: without its temporary file it cannot land on top of what follows.
    $pattern = '^\.adldap-ha-' + [regex]::Escape([IO.Path]::GetFileName($Path)) + '-[0-9a-f]{16}\.tmp$'
    Remove-CutOff ([IO.Path]::GetDirectoryName($Path)) $pattern 1
}

function Open-Parking {
    foreach ($folder in @($Top, $Parking)) {
        if ([IO.Directory]::Exists($folder)) { continue }
        $security = New-Object Security.AccessControl.DirectorySecurity
        $security.SetSecurityDescriptorSddlForm($Closed, [Security.AccessControl.AccessControlSections]::Access)
        [void][IO.Directory]::CreateDirectory($folder, $security)
    }
}

function Get-Parked {
    if (-not [IO.Directory]::Exists($Parking)) { return }
    foreach ($entry in [IO.Directory]::GetFileSystemEntries($Parking)) {
        if ($entry -ne $Replaced) { [IO.Path]::GetFileName($entry) }
    }
}

function Invoke-Park([string]$Path, [string]$Kept) {
    if (Test-Entry $Kept) { return 'parked' }
    if ([IO.Directory]::Exists([IO.Path]::GetDirectoryName($Path))) {
        Assert-Inside $Path
        Remove-Writes $Path
    }
    if (-not (Test-Entry $Path)) { return 'nothing' }
    Open-Parking
    Move-One $Path $Kept
    return 'parked'
}

function Invoke-Unpark([string]$Path, [string]$Kept) {
    if (-not (Test-Entry $Kept)) { return 'nothing' }
    Assert-Inside $Path
    Remove-Writes $Path
    if (Test-Entry $Path) {
        Remove-All $Replaced
        Move-One $Path $Replaced
    }
    Move-One $Kept $Path
    Remove-All $Replaced
    return 'done'
}

function Invoke-Sweep {
    foreach ($place in $Places) {
        $depth = $SweepDepth
        if ($place -eq '.') { $depth = 1 }
        Remove-CutOff ([IO.Path]::GetFullPath([IO.Path]::Combine($Directory, $place))) $CutOff $depth
    }
    return 'done'
}

try {
    foreach ($folder in @($Top, $Parking)) {
        if (Test-Link $folder) { throw (New-Object InvalidOperationException("[led-away] $folder is a link")) }
    }
    $path = ''
    $kept = ''
    if ($Relative) { $path = [IO.Path]::Combine($Directory, $Relative) }
    if ($Name) { $kept = [IO.Path]::Combine($Parking, $Name) }
    $outcome = 'done'
    if ($Action -eq 'park') {
        $outcome = Invoke-Park $path $kept
    } elseif ($Action -eq 'unpark') {
        $outcome = Invoke-Unpark $path $kept
    } elseif ($Action -eq 'sweep') {
        $outcome = Invoke-Sweep
    } elseif ($Action -eq 'discard') {
        $outcome = Invoke-Sweep
        Remove-All $Parking
        if ([IO.Directory]::Exists($Top) -and @([IO.Directory]::GetFileSystemEntries($Top)).Count -eq 0) {
            [IO.Directory]::Delete($Top)
        }
    }
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ outcome = $outcome; names = @(Get-Parked) }
} catch {
    throw $_.Exception.GetBaseException()
}
