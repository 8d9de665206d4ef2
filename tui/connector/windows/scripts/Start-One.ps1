# Starts the service Name and waits up to Seconds until it runs, has stopped again, or is paused by NSSM.
# One that NSSM has paused (it died at once, again and again) is stopped first, so that the pause between tries begins anew.
# An error of the service manager is thrown with its code as HResult (0x8007xxxx).
param([string]$Name, [int]$Seconds = 60)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
Add-Type -AssemblyName System.ServiceProcess

$NoService, $AlreadyRuns, $NotActive, $SaidByService = 1060, 1056, 1062, 1066
$Facility = -2147024896
$Resting = @('Paused', 'PausePending', 'ContinuePending')

function Get-Code($Record) {
    $base = $Record.Exception.GetBaseException()
    if ($base -is [ComponentModel.Win32Exception]) { return $base.NativeErrorCode }
    return 0
}

function Get-Failure($Record) {
    $base = $Record.Exception.GetBaseException()
    if ($base -isnot [ComponentModel.Win32Exception]) { return $base }
    return New-Object Runtime.InteropServices.COMException($base.Message, ($Facility -bor $base.NativeErrorCode))
}

function Wait-While([string[]]$States, [DateTime]$Deadline) {
    $service.Refresh()
    while ($States -contains [string]$service.Status -and [DateTime]::UtcNow -lt $Deadline) {
        Start-Sleep -Milliseconds 200
        $service.Refresh()
    }
    return [string]$service.Status
}

$deadline = [DateTime]::UtcNow.AddSeconds($Seconds)
$all = [ServiceProcess.ServiceController]::GetServices()
$service = $all | Where-Object { $_.ServiceName -eq $Name } | Select-Object -First 1
if ($null -eq $service) {
    $missing = New-Object ComponentModel.Win32Exception($NoService)
    throw (New-Object Runtime.InteropServices.COMException($missing.Message, ($Facility -bor $NoService)))
}
$state = [string]$service.Status
if ($Resting -contains $state) {
    try { $service.Stop() } catch { if ((Get-Code $_) -ne $NotActive) { throw (Get-Failure $_) } }
    $state = Wait-While ($Resting + @('StopPending')) $deadline
} elseif ($state -eq 'StopPending') {
    $state = Wait-While @('StopPending') $deadline
}
if ($state -eq 'Stopped') {
    try { $service.Start() } catch { if ((Get-Code $_) -ne $AlreadyRuns) { throw (Get-Failure $_) } }
    $state = Wait-While @('StartPending') $deadline
} elseif ($state -eq 'StartPending') {
    $state = Wait-While @('StartPending') $deadline
}
$filter = "Name='" + $Name.Replace('\', '\\').Replace("'", "\'") + "'"
$code = 0
foreach ($found in @(Get-CimInstance -ClassName Win32_Service -Filter $filter)) {
    $code = [long]$found.ExitCode
    if ($code -eq $SaidByService) { $code = [long]$found.ServiceSpecificExitCode }
}
ConvertTo-Json -Compress -Depth 6 -InputObject @{ state = $state; exit_code = $code }
