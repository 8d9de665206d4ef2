# Reads on in the log Path from where Token points, at most Bytes of it, or its last Lines lines when Token is "".
# The log is rotated: Path and its siblings with a number (logs.log, logs1.log and so on) are one log, the one written last is its end.
# Token: creation time in ticks | offset | length of the head that was hashed | SHA-256 of that head. The head tells a rotated
# file from a new one, as Windows gives a new file the creation time of one that had its name seconds before.
param(
    [string]$Path,
    [string]$Token = '',
    [int]$Lines = 2000,
    [int]$Bytes = 1048576
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$HeadLength = 256
$LineEnd = [byte]10

function Open-Log([string]$File) {
    $sharing = [IO.FileShare]::ReadWrite -bor [IO.FileShare]::Delete
    return New-Object IO.FileStream($File, [IO.FileMode]::Open, [IO.FileAccess]::Read, $sharing)
}

function Read-Range([string]$File, [long]$From, [int]$Limit) {
    $stream = Open-Log $File
    try {
        $size = [int][Math]::Max(0, [Math]::Min([long]$Limit, $stream.Length - $From))
        $buffer = New-Object byte[] $size
        [void]$stream.Seek($From, [IO.SeekOrigin]::Begin)
        $filled = 0
        while ($filled -lt $size) {
            $count = $stream.Read($buffer, $filled, $size - $filled)
            if ($count -eq 0) { break }
            $filled += $count
        }
    } finally {
        $stream.Dispose()
    }
    if ($filled -eq $size) { return , $buffer }
    $exact = New-Object byte[] $filled
    [Array]::Copy($buffer, $exact, $filled)
    return , $exact
}

function Get-Length([string]$File) {
    $stream = Open-Log $File
    try { return $stream.Length } finally { $stream.Dispose() }
}

function Get-Head([string]$File, [int]$Length) {
    [byte[]]$head = Read-Range $File 0 $Length
    $algorithm = [Security.Cryptography.SHA256]::Create()
    try { return [BitConverter]::ToString($algorithm.ComputeHash($head)).Replace('-', '') } finally { $algorithm.Dispose() }
}

function Get-Family {
    # Oldest first. The sizes and times of a directory listing lag behind those of a file that is held open.
    $folder = [IO.Path]::GetDirectoryName($Path)
    $stem = [IO.Path]::GetFileNameWithoutExtension($Path)
    $ending = [IO.Path]::GetExtension($Path)
    if (-not [IO.Directory]::Exists($folder)) { return }
    $pattern = '^' + [regex]::Escape($stem) + '\d*' + [regex]::Escape($ending) + '$'
    $names = @([IO.Directory]::GetFiles($folder, "$stem*$ending") | Where-Object { [IO.Path]::GetFileName($_) -match $pattern })
    $files = @($names | ForEach-Object { New-Object IO.FileInfo($_) })
    $named = @{ Expression = { $_.FullName -eq $Path } }
    return @($files | Sort-Object -Property @('LastWriteTimeUtc', $named))
}

function Get-LastLineEnd([byte[]]$Data) {
    if ($Data.Length -eq 0) { return -1 }
    return [Array]::LastIndexOf($Data, $LineEnd)
}

function Select-LastLines([byte[]]$Data, [int]$Count) {
    $position = $Data.Length - 1
    for ($line = 0; $line -lt $Count; $line++) {
        if ($position -le 0) { return , $Data }
        $position = [Array]::LastIndexOf($Data, $LineEnd, $position - 1)
        if ($position -lt 0) { return , $Data }
    }
    $rest = New-Object byte[] ($Data.Length - $position - 1)
    [Array]::Copy($Data, $position + 1, $rest, 0, $rest.Length)
    return , $rest
}

function Test-Same([string]$File, [long]$Offset, [int]$HeadSize, [string]$Head) {
    if ((Get-Length $File) -lt $Offset) { return $false }
    return (Get-Head $File $HeadSize) -eq $Head
}

try {
    $family = @(Get-Family)
    if ($family.Count -eq 0) {
        ConvertTo-Json -Compress -Depth 6 -InputObject @{ data = ''; token = '0|0'; missing = $true }
        return
    }
    $current = $family[-1].FullName
    $pieces = New-Object IO.MemoryStream
    $from = [long]0
    if ($Token) {
        $parts = $Token.Split('|')
        $offset = [long]$parts[1]
        $size = 0
        $head = ''
        if ($parts.Length -gt 3) { $size = [int]$parts[2]; $head = $parts[3] }
        if ($size -gt 0) {
            for ($index = $family.Count - 1; $index -ge 0; $index--) {
                $file = $family[$index].FullName
                if (-not (Test-Same $file $offset $size $head)) { continue }
                if ($file -eq $current) { $from = $offset; break }
                [byte[]]$rest = Read-Range $file $offset $Bytes
                $pieces.Write($rest, 0, $rest.Length)
                break
            }
        }
        $from = [Math]::Max($from, (Get-Length $current) - $Bytes)
    } else {
        $from = [Math]::Max([long]0, (Get-Length $current) - $Bytes)
        if ($from -eq 0 -and $family.Count -gt 1) {
            $older = $family[-2].FullName
            $begin = [Math]::Max([long]0, (Get-Length $older) - $Bytes)
            [byte[]]$rest = Read-Range $older $begin $Bytes
            $pieces.Write($rest, 0, $rest.Length)
        }
    }
    # What stands behind the last line end is a line that is still being written: it is read the next time.
    [byte[]]$data = Read-Range $current $from $Bytes
    $whole = (Get-LastLineEnd $data) + 1
    $pieces.Write($data, 0, $whole)
    [byte[]]$all = $pieces.ToArray()
    if (-not $Token) { [byte[]]$all = Select-LastLines $all $Lines }
    $end = $from + $whole
    $size = [int][Math]::Min([long]$HeadLength, $end)
    $created = [IO.File]::GetCreationTimeUtc($current).Ticks
    ConvertTo-Json -Compress -Depth 6 -InputObject @{
        data = [Convert]::ToBase64String($all)
        token = [string]::Join('|', @([string]$created, [string]$end, [string]$size, (Get-Head $current $size)))
        missing = $false
    }
} catch {
    throw $_.Exception.GetBaseException()
}
