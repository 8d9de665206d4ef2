# What each of Paths is, links not followed. A missing one is left out.
param([string[]]$Paths)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

function Get-Entry([string]$Path) {
    $item = Get-Item -LiteralPath $Path -Force
    $linked = @('SymbolicLink', 'Junction') -contains $item.LinkType
    $kind = 'file'
    $size = [long]0
    if ($linked) { $kind = 'symlink' } elseif ($item.PSIsContainer) { $kind = 'directory' } else { $size = $item.Length }
    $entry = @{
        path = $Path
        kind = $kind
        size = $size
        modified = ($item.LastWriteTimeUtc - (New-Object DateTime 1970, 1, 1)).TotalSeconds
        owner = ''
        sddl = ''
        target = $null
    }
    if ($linked) {
        $entry.target = [string](@($item.Target)[0])
        return $entry
    }
    $security = $item.GetAccessControl('Owner, Group, Access')
    $entry.sddl = $security.GetSecurityDescriptorSddlForm('Owner, Group, Access')
    $owner = $security.GetOwner([System.Security.Principal.SecurityIdentifier])
    try { $entry.owner = $owner.Translate([System.Security.Principal.NTAccount]).Value } catch { $entry.owner = $owner.Value }
    return $entry
}

try {
    $entries = @(
        foreach ($path in $Paths) {
            try {
                Get-Entry $path
            } catch [System.Management.Automation.ItemNotFoundException], [System.IO.FileNotFoundException], [System.IO.DirectoryNotFoundException], [System.Management.Automation.DriveNotFoundException] {
                continue
            }
        }
    )
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ entries = $entries }
} catch {
    throw $_.Exception.GetBaseException()
}
