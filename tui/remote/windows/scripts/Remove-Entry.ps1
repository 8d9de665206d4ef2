# Removes the file Path, with Tree a directory and all below it; a link goes, not what it leads to. What writes of Path that
# were cut off left beside it goes too. Within: a directory that it must really lie in, links resolved; "" for none.
param([string]$Path, [bool]$Tree = $false, [string]$Within = '')
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

function Remove-One([string]$Place) {
    $item = Get-Item -LiteralPath $Place -Force
    if ($item.PSIsContainer) {
        if ($Tree -and @('SymbolicLink', 'Junction') -notcontains $item.LinkType) {
            foreach ($child in @(Get-ChildItem -LiteralPath $Place -Force)) { Remove-One $child.FullName }
        }
        [System.IO.Directory]::Delete($Place, $false)
        return
    }
    if ($item.IsReadOnly) { $item.IsReadOnly = $false }
    [System.IO.File]::Delete($Place)
}

try {
    $removed = $false
    $parent = [System.IO.Path]::GetDirectoryName($Path)
    if ([System.IO.Directory]::Exists($parent)) {
        $folder = Get-Real $parent 0
        if ($Within) {
            $top = (Get-Real $Within 0).TrimEnd('\') + '\'
            if (-not ($folder.TrimEnd('\') + '\').StartsWith($top, [System.StringComparison]::OrdinalIgnoreCase)) {
                Stop-Here "[led-away] $Path leads out of $Within, to $folder"
            }
        }
        $name = [System.IO.Path]::GetFileName($Path)
        $leftover = '^\.adldap-ha-' + [regex]::Escape($name) + '-[0-9a-f]{16}\.tmp$'
        foreach ($file in [System.IO.Directory]::GetFiles($folder, '.adldap-ha-*')) {
            if ([System.IO.Path]::GetFileName($file) -match $leftover) { [System.IO.File]::Delete($file) }
        }
        $place = [System.IO.Path]::Combine($folder, $name)
        # A link that leads nowhere exists for Get-Item only.
        if ($null -ne (Get-Item -LiteralPath $place -Force -ErrorAction SilentlyContinue)) {
            Remove-One $place
            $removed = $true
        }
    }
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ removed = $removed }
} catch {
    throw $_.Exception.GetBaseException()
}
