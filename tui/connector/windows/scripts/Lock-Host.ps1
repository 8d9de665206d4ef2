# Action: lock | relock | unlock | holder. Path: the lock file. Text: what it says (lock, relock). Run: whose lock it is.
# outcome: taken, held (text: what the present one says), released, or none. The file appears with its whole text or not at all.
param(
    [string]$Path,
    [string]$Action,
    [string]$Run = '',
    [string]$Text = ''
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$FileExists, $AlreadyExists = -2147024816, -2147024713

function Read-Lock {
    $sharing = [IO.FileShare]::ReadWrite -bor [IO.FileShare]::Delete
    try {
        $stream = New-Object IO.FileStream($Path, [IO.FileMode]::Open, [IO.FileAccess]::Read, $sharing)
    } catch {
        if ($_.Exception.GetBaseException() -is [IO.FileNotFoundException]) { return $null }
        throw
    }
    $reader = New-Object IO.StreamReader($stream)
    try { return $reader.ReadToEnd() } finally { $reader.Dispose() }
}

function Get-Run([string]$Present) {
    try { $record = ConvertFrom-Json $Present } catch { return '' }
    if ($null -eq $record) { return '' }
    $named = $record.PSObject.Properties['run']
    if ($null -eq $named) { return '' }
    return [string]$named.Value
}

function Assert-Plain {
    if ([IO.Directory]::Exists($Path)) { throw (New-Object InvalidOperationException("[led-away] $Path is a directory")) }
    if (-not [IO.File]::Exists($Path)) { return }
    if ([IO.File]::GetAttributes($Path) -band [IO.FileAttributes]::ReparsePoint) {
        throw (New-Object InvalidOperationException("[led-away] $Path is a link"))
    }
}

function Write-New {
    $new = "$Path.$Run"
    [IO.File]::Delete($new)
    $bytes = (New-Object Text.UTF8Encoding($false)).GetBytes($Text)
    $stream = New-Object IO.FileStream($new, [IO.FileMode]::CreateNew, [IO.FileAccess]::Write, [IO.FileShare]::None)
    try {
        $stream.Write($bytes, 0, $bytes.Length)
        $stream.Flush($true)
    } finally {
        $stream.Dispose()
    }
    return $new
}

function Enter-Lock {
    $new = Write-New
    try {
        if ($Action -eq 'relock' -and [IO.File]::Exists($Path)) {
            [IO.File]::Replace($new, $Path, [NullString]::Value)
        } else {
            [IO.File]::Move($new, $Path)
        }
        return @{ outcome = 'taken'; text = $Text }
    } catch {
        $code = $_.Exception.GetBaseException().HResult
        if (@($FileExists, $AlreadyExists) -notcontains $code) { throw }
        return @{ outcome = 'held'; text = [string](Read-Lock) }
    } finally {
        [IO.File]::Delete($new)
    }
}

try {
    Assert-Plain
    if ($Action -eq 'lock' -or $Action -eq 'relock') {
        $answer = Enter-Lock
    } else {
        $present = Read-Lock
        $answer = @{ outcome = 'none'; text = '' }
        if ($null -ne $present) { $answer = @{ outcome = 'held'; text = [string]$present } }
        if ($Action -eq 'unlock' -and $null -ne $present -and (Get-Run $present) -eq $Run) {
            [IO.File]::Delete($Path)
            $answer = @{ outcome = 'released'; text = [string]$present }
        }
    }
    ConvertTo-Json -Compress -Depth 6 -InputObject $answer
} catch {
    throw $_.Exception.GetBaseException()
}
