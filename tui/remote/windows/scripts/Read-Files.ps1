# The bytes of each of Paths that exists; none may be larger than Limit.
param([string[]]$Paths, [long]$Limit = 4194304)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

function Read-Bytes([string]$Path) {
    $sharing = [System.IO.FileShare]::ReadWrite -bor [System.IO.FileShare]::Delete
    $stream = [System.IO.File]::Open($Path, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, $sharing)
    try {
        if ($stream.Length -gt $Limit) {
            throw (New-Object System.InvalidOperationException "[too-large] $Path ($($stream.Length) bytes)")
        }
        $memory = New-Object System.IO.MemoryStream
        $stream.CopyTo($memory)
        return , $memory.ToArray()
    } finally {
        $stream.Dispose()
    }
}

try {
    $found = @(
        foreach ($path in $Paths) {
            if ([System.IO.Directory]::Exists($path)) {
                throw (New-Object System.InvalidOperationException "[not-a-file] $path")
            }
            $data = $null
            try {
                [byte[]]$data = Read-Bytes $path
            } catch [System.IO.FileNotFoundException], [System.IO.DirectoryNotFoundException] {
                continue
            }
            '{"path":"' + $path.Replace('\', '\\') + '","data":"' + [System.Convert]::ToBase64String($data) + '"}'
        }
    )
    # No cmdlet: module logging would put what a cmdlet is given, here perhaps a private key, into the event log.
    '{"files":[' + [string]::Join(',', [string[]]$found) + ']}'
} catch {
    throw $_.Exception.GetBaseException()
}
