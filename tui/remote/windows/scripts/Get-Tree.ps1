# What lies below Directory, down to Depth levels, links not followed. Nothing when Directory is missing.
param([string]$Directory, [int]$Depth = 1)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

function Get-Entry($Item) {
    $linked = @('SymbolicLink', 'Junction') -contains $Item.LinkType
    $kind = 'file'
    $size = [long]0
    if ($linked) { $kind = 'symlink' } elseif ($Item.PSIsContainer) { $kind = 'directory' } else { $size = $Item.Length }
    $entry = @{
        path = $Item.FullName
        kind = $kind
        size = $size
        modified = ($Item.LastWriteTimeUtc - (New-Object DateTime 1970, 1, 1)).TotalSeconds
        owner = ''
        sddl = ''
        target = $null
    }
    if ($linked) {
        $entry.target = [string](@($Item.Target)[0])
        return $entry
    }
    $security = $Item.GetAccessControl('Owner, Group, Access')
    $entry.sddl = $security.GetSecurityDescriptorSddlForm('Owner, Group, Access')
    $owner = $security.GetOwner([System.Security.Principal.SecurityIdentifier])
    try { $entry.owner = $owner.Translate([System.Security.Principal.NTAccount]).Value } catch { $entry.owner = $owner.Value }
    return $entry
}

function Get-Below([string]$Top, [int]$Levels) {
    foreach ($item in @(Get-ChildItem -LiteralPath $Top -Force)) {
        try {
            $entry = Get-Entry $item
        } catch [System.IO.FileNotFoundException], [System.IO.DirectoryNotFoundException] {
            continue
        }
        $entry
        if ($entry.kind -eq 'directory' -and $Levels -gt 1) { Get-Below $item.FullName ($Levels - 1) }
    }
}

try {
    $entries = @()
    if ([System.IO.Directory]::Exists($Directory)) { $entries = @(Get-Below $Directory $Depth) }
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ entries = $entries }
} catch {
    throw $_.Exception.GetBaseException()
}
