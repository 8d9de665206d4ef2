# Runs FileName with Arguments in Directory and puts out what it said. Payload goes to its standard input as UTF-8.
# Service: the service whose environment the program gets; its values are read here and never leave the host.
# Ended after Seconds (timed_out). missing: there is no such program.
param(
    [string]$FileName,
    [string[]]$Arguments = @(),
    [string]$Directory,
    [string]$Service = '',
    [Security.SecureString]$Payload,
    [int]$Seconds = 60
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$ServicesKey = 'SYSTEM\CurrentControlSet\Services'
$NotThere = @(2, 3)

function Format-Argument([string]$Text) {
    # As the C run-time library takes a command line apart: backslashes count only before a quotation mark.
    if ($Text -ne '' -and $Text -notmatch '[\s"]') { return $Text }
    $escaped = [regex]::Replace($Text, '(\\*)"', '$1$1\"')
    $escaped = [regex]::Replace($escaped, '(\\+)$', '$1$1')
    return '"' + $escaped + '"'
}

function Read-Variables([string]$Key, [string]$Name) {
    $opened = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($Key)
    if ($null -eq $opened) { return }
    try { $lines = @($opened.GetValue($Name, @())) } finally { $opened.Close() }
    foreach ($line in $lines) {
        $at = ([string]$line).IndexOf('=')
        if ($at -gt 0) { @{ name = ([string]$line).Substring(0, $at); value = ([string]$line).Substring($at + 1) } }
    }
}

function Set-Variables($Start) {
    if ($Service -eq '') { return }
    foreach ($variable in @(Read-Variables "$ServicesKey\$Service" 'Environment')) {
        $Start.EnvironmentVariables[$variable['name']] = $variable['value']
    }
    # NSSM gives a program AppEnvironment instead of everything else, and AppEnvironmentExtra on top.
    $only = @(Read-Variables "$ServicesKey\$Service\Parameters" 'AppEnvironment')
    if ($only.Count -gt 0) { $Start.EnvironmentVariables.Clear() }
    $more = @(Read-Variables "$ServicesKey\$Service\Parameters" 'AppEnvironmentExtra')
    foreach ($variable in $only + $more) {
        $value = [Environment]::ExpandEnvironmentVariables($variable['value'])
        $Start.EnvironmentVariables[$variable['name']] = $value
    }
}

function Get-Bytes([Security.SecureString]$Secret) {
    if ($null -eq $Secret) { return , (New-Object byte[] 0) }
    $pointer = [Runtime.InteropServices.Marshal]::SecureStringToGlobalAllocUnicode($Secret)
    try {
        $letters = New-Object char[] $Secret.Length
        [Runtime.InteropServices.Marshal]::Copy($pointer, $letters, 0, $letters.Length)
        $bytes = [Text.Encoding]::UTF8.GetBytes($letters)
        [Array]::Clear($letters, 0, $letters.Length)
    } finally {
        [Runtime.InteropServices.Marshal]::ZeroFreeGlobalAllocUnicode($pointer)
    }
    return , $bytes
}

function Write-Payload($Process, [int]$Milliseconds) {
    [byte[]]$bytes = Get-Bytes $Payload
    try {
        $stream = $Process.StandardInput.BaseStream
        $written = $stream.WriteAsync($bytes, 0, $bytes.Length)
        [void]$written.Wait($Milliseconds)
        $stream.Close()
    } catch {
        # A program that does not read its standard input has closed it: what it says is what counts.
        return
    } finally {
        [Array]::Clear($bytes, 0, $bytes.Length)
    }
}

function Invoke-Started($Process) {
    $clock = [Diagnostics.Stopwatch]::StartNew()
    $limit = $Seconds * 1000
    $output = New-Object IO.MemoryStream
    $errors = New-Object IO.MemoryStream
    [Threading.Tasks.Task[]]$reading = @(
        $Process.StandardOutput.BaseStream.CopyToAsync($output),
        $Process.StandardError.BaseStream.CopyToAsync($errors))
    Write-Payload $Process $limit
    $ended = $Process.WaitForExit([int][Math]::Max(1, $limit - $clock.ElapsedMilliseconds))
    if (-not $ended) {
        try { $Process.Kill() } catch { $ended = $Process.HasExited }
        [void]$Process.WaitForExit(5000)
    }
    # A grandchild may hold the pipes open for ever. A pipe that breaks has given what it had.
    try { [void][Threading.Tasks.Task]::WaitAll($reading, 5000) } catch [AggregateException] { }
    $status = $null
    if ($Process.HasExited) { $status = $Process.ExitCode }
    return @{
        exit_code = $status
        stdout = [Convert]::ToBase64String($output.ToArray())
        stderr = [Convert]::ToBase64String($errors.ToArray())
        timed_out = (-not $ended)
        missing = $false
    }
}

$start = New-Object Diagnostics.ProcessStartInfo
$start.FileName = $FileName
$start.Arguments = [string]::Join(' ', @($Arguments | ForEach-Object { Format-Argument $_ }))
$start.WorkingDirectory = $Directory
$start.UseShellExecute = $false
$start.CreateNoWindow = $true
$start.RedirectStandardInput = $true
$start.RedirectStandardOutput = $true
$start.RedirectStandardError = $true
Set-Variables $start
$process = New-Object Diagnostics.Process
$process.StartInfo = $start
try {
    $begun = $false
    try {
        $begun = $process.Start()
    } catch {
        $base = $_.Exception.GetBaseException()
        if ($base -isnot [ComponentModel.Win32Exception] -or $NotThere -notcontains $base.NativeErrorCode) {
            throw $base
        }
    }
    if ($begun) {
        $answer = Invoke-Started $process
    } else {
        $answer = @{ exit_code = $null; stdout = ''; stderr = ''; timed_out = $false; missing = $true }
    }
} finally {
    $process.Dispose()
}
ConvertTo-Json -Compress -Depth 6 -InputObject $answer
