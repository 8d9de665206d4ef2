# Moves Source to Target within one volume. An existing file is replaced; its new content and name come to the disk before
# this ends.
param([string]$Source, [string]$Target)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
Add-Type -AssemblyName Microsoft.VisualBasic

try {
    if ([System.IO.Directory]::Exists($Source)) {
        [System.IO.Directory]::Move($Source, $Target)
    } else {
        [Microsoft.VisualBasic.FileIO.FileSystem]::MoveFile($Source, $Target, $true)
    }
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ moved = $true }
} catch {
    throw $_.Exception.GetBaseException()
}
