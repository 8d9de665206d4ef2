# Creates the directory Path, not its parents; one that exists is left as it is. Sddl "": the security that the parent gives.
# Within: a directory that it must really lie in, links resolved; "" for none.
param([string]$Path, [string]$Sddl = '', [string]$Within = '')
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$MostLinks = 16

function Stop-Here([string]$Words) { throw (New-Object System.InvalidOperationException $Words) }

function Get-Real([string]$Place, [int]$Links) {
    $parent = [System.IO.Path]::GetDirectoryName($Place)
    if (-not $parent) { return $Place }
    $here = [System.IO.Path]::Combine((Get-Real $parent $Links), [System.IO.Path]::GetFileName($Place))
    $item = Get-Item -LiteralPath $here -Force
    if (@('SymbolicLink', 'Junction') -notcontains $item.LinkType) { return $here }
    if ($Links -ge $MostLinks) { Stop-Here "[led-away] $here leads in a circle" }
    $target = ([string](@($item.Target)[0])) -replace '^\\\?\?\\', ''
    if (-not [System.IO.Path]::IsPathRooted($target)) {
        $target = [System.IO.Path]::Combine([System.IO.Path]::GetDirectoryName($here), $target)
    }
    return Get-Real ([System.IO.Path]::GetFullPath($target)) ($Links + 1)
}

try {
    $folder = Get-Real ([System.IO.Path]::GetDirectoryName($Path)) 0
    if ($Within) {
        $top = (Get-Real $Within 0).TrimEnd('\') + '\'
        if (-not ($folder.TrimEnd('\') + '\').StartsWith($top, [System.StringComparison]::OrdinalIgnoreCase)) {
            Stop-Here "[led-away] $Path leads out of $Within, to $folder"
        }
    }
    $place = [System.IO.Path]::Combine($folder, [System.IO.Path]::GetFileName($Path))
    $created = -not [System.IO.Directory]::Exists($place)
    if ($created -and [System.IO.File]::Exists($place)) { Stop-Here "[not-a-directory] $place" }
    if ($created -and $Sddl) {
        $security = New-Object System.Security.AccessControl.DirectorySecurity
        $security.SetSecurityDescriptorSddlForm($Sddl, 'Owner, Group, Access')
        [void][System.IO.Directory]::CreateDirectory($place, $security)
        try {
            [System.IO.Directory]::SetAccessControl($place, $security)
        } catch {
            [System.IO.Directory]::Delete($place)
            throw
        }
    } elseif ($created) {
        [void][System.IO.Directory]::CreateDirectory($place)
    }
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ created = $created }
} catch {
    throw $_.Exception.GetBaseException()
}
