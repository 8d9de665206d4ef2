# Asks the service Name once to stop and waits up to Seconds. Nothing is ended by force.
# An error of the service manager is thrown with its code as HResult (0x8007xxxx).
param([string]$Name, [int]$Seconds = 60)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
Add-Type -AssemblyName System.ServiceProcess

$NotActive, $CannotNow = 1062, 1061
$Facility = -2147024896

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

$deadline = [DateTime]::UtcNow.AddSeconds($Seconds)
$all = [ServiceProcess.ServiceController]::GetServices()
$service = $all | Where-Object { $_.ServiceName -eq $Name } | Select-Object -First 1
if ($null -eq $service) {
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ existed = $false; state = 'Stopped' }
    return
}
$asked = $false
$state = [string]$service.Status
while ($state -ne 'Stopped') {
    if (-not $asked -and $state -ne 'StopPending') {
        try {
            $service.Stop()
            $asked = $true
        } catch {
            # While it is starting it takes no orders: it is asked again until it does.
            if (@($NotActive, $CannotNow) -notcontains (Get-Code $_)) { throw (Get-Failure $_) }
        }
    }
    if ([DateTime]::UtcNow -ge $deadline) { break }
    Start-Sleep -Milliseconds 200
    $service.Refresh()
    $state = [string]$service.Status
}
ConvertTo-Json -Compress -Depth 6 -InputObject @{ existed = $true; state = $state }
