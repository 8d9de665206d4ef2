# Moves Source to Target within one volume; Target's folder must exist. An existing file is replaced in one move, which has
# reached the disk when this ends.
param([string]$Source, [string]$Target)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
Add-Type -AssemblyName Microsoft.VisualBasic

try {
    # MoveFile would create it.
    $folder = [System.IO.Path]::GetDirectoryName($Target)
    if (-not [System.IO.Directory]::Exists($folder)) {
        throw (New-Object System.IO.DirectoryNotFoundException "there is no folder $folder")
    }
    if ([System.IO.Directory]::Exists($Source)) {
        [System.IO.Directory]::Move($Source, $Target)
    } else {
        [Microsoft.VisualBasic.FileIO.FileSystem]::MoveFile($Source, $Target, $true)
    }
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ moved = $true }
} catch {
    throw $_.Exception.GetBaseException()
}
