# Replaces Path with Data (base64) in one move. Sddl "": the security of the present file, or what the folder gives a new one.
# Within: a directory that the file must really lie in, links resolved; "" for none.
param([string]$Path, [string]$Data, [string]$Sha256, [string]$Sddl = '', [string]$Within = '')
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
Add-Type -AssemblyName Microsoft.VisualBasic

$Sections = [System.Security.AccessControl.AccessControlSections]'Owner, Group, Access'
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

function Get-Folder([string]$File) {
    $real = Get-Real ([System.IO.Path]::GetDirectoryName($File)) 0
    if ($Within) {
        $top = (Get-Real $Within 0).TrimEnd('\') + '\'
        if (-not ($real.TrimEnd('\') + '\').StartsWith($top, [System.StringComparison]::OrdinalIgnoreCase)) {
            Stop-Here "[led-away] $Path leads out of $Within, to $real"
        }
    }
    return $real
}

function Get-Hash([System.IO.Stream]$Stream) {
    $Stream.Position = 0
    $algorithm = New-Object System.Security.Cryptography.SHA256CryptoServiceProvider
    try { return [System.BitConverter]::ToString($algorithm.ComputeHash($Stream)).Replace('-', '') } finally { $algorithm.Dispose() }
}

function Set-Security([System.IO.FileStream]$Stream, [System.Security.AccessControl.AccessControlSections]$Parts) {
    $security = New-Object System.Security.AccessControl.FileSecurity
    $security.SetSecurityDescriptorSddlForm($Sddl, $Parts)
    $Stream.SetAccessControl($security)
}

function Move-Over([string]$From, [string]$To) {
    try {
        [Microsoft.VisualBasic.FileIO.FileSystem]::MoveFile($From, $To, $true)
    } catch [System.UnauthorizedAccessException] {
        # Windows says that access is denied also when a process holds the file open: asking for the right to delete it tells.
        if ([System.IO.File]::Exists($To)) {
            $sharing = [System.IO.FileShare]'ReadWrite, Delete'
            (New-Object System.IO.FileStream($To, [System.IO.FileMode]::Open, [System.Security.AccessControl.FileSystemRights]::Delete, $sharing, 8, [System.IO.FileOptions]::None)).Dispose()
        }
        throw
    }
}

try {
    $target = $Path
    for ($links = 0; $true; $links++) {
        $folder = Get-Folder $target
        $target = [System.IO.Path]::Combine($folder, [System.IO.Path]::GetFileName($target))
        $link = Get-Item -LiteralPath $target -Force -ErrorAction SilentlyContinue
        if ($null -eq $link -or $link.LinkType -ne 'SymbolicLink') { break }
        if ($links -ge $MostLinks) { Stop-Here "[led-away] $Path leads in a circle" }
        $target = [System.IO.Path]::GetFullPath([System.IO.Path]::Combine($folder, [string](@($link.Target)[0])))
    }
    if ([System.IO.Directory]::Exists($target)) { Stop-Here "[not-a-file] $target" }
    $name = [System.IO.Path]::GetFileName($target)
    $leftover = '^\.adldap-ha-' + [regex]::Escape($name) + '-[0-9a-f]{16}\.tmp$'
    foreach ($file in [System.IO.Directory]::GetFiles($folder, '.adldap-ha-*')) {
        if ([System.IO.Path]::GetFileName($file) -match $leftover) { [System.IO.File]::Delete($file) }
    }
    $kept = $false
    if (-not $Sddl -and [System.IO.File]::Exists($target)) {
        $kept = $true
        $Sddl = [System.IO.File]::GetAccessControl($target, $Sections).GetSecurityDescriptorSddlForm($Sections)
    }
    $random = [System.Guid]::NewGuid().ToString('N').Substring(0, 16)
    $temporary = [System.IO.Path]::Combine($folder, ".adldap-ha-$name-$random.tmp")
    [byte[]]$bytes = [System.Convert]::FromBase64String($Data)
    # Nobody else can open it before it is whole, and it has its security before its first byte.
    $stream = New-Object System.IO.FileStream($temporary, [System.IO.FileMode]::CreateNew, [System.Security.AccessControl.FileSystemRights]::FullControl, [System.IO.FileShare]::None, 65536, [System.IO.FileOptions]::WriteThrough)
    try {
        try {
            if ($Sddl) {
                try {
                    Set-Security $stream $Sections
                } catch {
                    # The owner of a file that is only replaced may be one that this account cannot give: its access rights count.
                    if (-not $kept) { throw }
                    Set-Security $stream 'Access'
                }
            }
            if ((Get-Folder $target) -ne $folder) { Stop-Here "[led-away] $folder was moved meanwhile" }
            $stream.Write($bytes, 0, $bytes.Length)
            $stream.Flush($true)
            if ((Get-Hash $stream) -ne $Sha256) { Stop-Here "[corrupted] $Path" }
        } finally {
            $stream.Dispose()
        }
        Move-Over $temporary $target
    } catch {
        $failure = $_
        try { [System.IO.File]::Delete($temporary) } catch { Write-Verbose "$temporary stays" }
        throw $failure
    }
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ bytes = $bytes.Length }
} catch {
    throw $_.Exception.GetBaseException()
}
