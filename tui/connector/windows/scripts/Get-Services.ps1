# Puts out the state of each of the services Names; one that the service manager does not know is absent.
# Of environment variables only the names are told: their values may be secret.
param([string[]]$Names = @())
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$ServicesKey = 'SYSTEM\CurrentControlSet\Services'

function Get-EnvironmentNames([string]$Name) {
    $found = @()
    foreach ($place in @(@("$ServicesKey\$Name", 'Environment'),
            @("$ServicesKey\$Name\Parameters", 'AppEnvironment'),
            @("$ServicesKey\$Name\Parameters", 'AppEnvironmentExtra'))) {
        $key = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($place[0])
        if ($null -eq $key) { continue }
        try { $values = @($key.GetValue($place[1], @())) } finally { $key.Close() }
        foreach ($value in $values) {
            $variable = ([string]$value).Split('=')[0]
            if ($variable) { $found += $variable }
        }
    }
    return @($found | Select-Object -Unique)
}

function Get-Program([int]$ProcessId) {
    # The service's own process is NSSM, which outlives every restart of the node below it.
    $program = @{ id = $null; started = $null }
    if ($ProcessId -eq 0) { return $program }
    $processes = @(Get-CimInstance -ClassName Win32_Process -Filter "ProcessId=$ProcessId OR ParentProcessId=$ProcessId")
    $own = @($processes | Where-Object { $_.ProcessId -eq $ProcessId })
    if ($own.Count -eq 0 -or $null -eq $own[0].CreationDate) { return $program }
    $latest = $own[0]
    foreach ($child in $processes) {
        if ($child.Name -eq 'node.exe' -and $null -ne $child.CreationDate -and $child.CreationDate -gt $latest.CreationDate) {
            $latest = $child
            $program['id'] = [int]$child.ProcessId
        }
    }
    $program['started'] = ($latest.CreationDate.ToUniversalTime().Ticks - 621355968000000000) / 10000000.0
    return $program
}

try {
    $services = @(foreach ($name in $Names) {
            $filter = "Name='" + $name.Replace('\', '\\').Replace("'", "\'") + "'"
            foreach ($service in @(Get-CimInstance -ClassName Win32_Service -Filter $filter)) {
                $program = Get-Program ([int]$service.ProcessId)
                @{
                    name = [string]$service.Name
                    state = ([string]$service.State).Replace(' ', '')
                    start_mode = [string]$service.StartMode
                    account = [string]$service.StartName
                    pid = [int]$service.ProcessId
                    exit_code = [long]$service.ExitCode
                    program = $program['id']
                    started = $program['started']
                    environment = @(Get-EnvironmentNames $name)
                }
            }
        })
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ services = $services }
} catch {
    throw $_.Exception.GetBaseException()
}
