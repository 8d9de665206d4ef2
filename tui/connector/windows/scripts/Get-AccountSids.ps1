# Puts out the SIDs that a service running as Account has: its own and those of its groups, as far as this host can tell.
param([string]$Account)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$Everyone, $Authenticated, $ServiceLogon, $Users = 'S-1-1-0', 'S-1-5-11', 'S-1-5-6', 'S-1-5-32-545'
$Administrators, $AllServices = 'S-1-5-32-544', 'S-1-5-80-0'
$BuiltIn = @{
    'LocalSystem' = 'S-1-5-18'
    'NT AUTHORITY\SYSTEM' = 'S-1-5-18'
    'NT AUTHORITY\LocalService' = 'S-1-5-19'
    'NT AUTHORITY\NetworkService' = 'S-1-5-20'
}

function Get-Sid([string]$Name) {
    if ($BuiltIn.ContainsKey($Name)) { return $BuiltIn[$Name] }
    if ($Name -match '^S-1-\d') { return $Name }
    if ($Name.StartsWith('.\')) { $Name = $env:COMPUTERNAME + $Name.Substring(1) }
    try {
        $identity = New-Object Security.Principal.NTAccount($Name)
        return $identity.Translate([Security.Principal.SecurityIdentifier]).Value
    } catch {
        return $null
    }
}

function Get-TokenGroups([string]$Name) {
    # A token without a password is given only for a name like user@domain, and only to members of that domain.
    $parts = $Name.Split('\')
    if ($parts.Length -eq 2 -and $parts[0] -ne '.') { $Name = $parts[1] + '@' + $parts[0] }
    if (-not $Name.Contains('@')) { return }
    try {
        $identity = New-Object Security.Principal.WindowsIdentity($Name)
        foreach ($group in $identity.Groups) { $group.Value }
    } catch {
        return
    }
}

function Get-LocalGroups([string[]]$Sids) {
    # The members of each local group, as the host itself keeps them.
    $computer = [ADSI]"WinNT://$env:COMPUTERNAME,computer"
    foreach ($group in @($computer.psbase.Children | Where-Object { $_.psbase.SchemaClassName -eq 'group' })) {
        try {
            foreach ($member in @($group.psbase.Invoke('Members'))) {
                $bytes = [byte[]]$member.GetType().InvokeMember('objectSid', 'GetProperty', $null, $member, $null)
                $sid = (New-Object Security.Principal.SecurityIdentifier($bytes, 0)).Value
                if ($Sids -notcontains $sid) { continue }
                $own = [byte[]]$group.psbase.Properties['objectSid'].Value
                (New-Object Security.Principal.SecurityIdentifier($own, 0)).Value
                break
            }
        } catch {
            continue
        }
    }
}

try {
    $own = Get-Sid $Account
    $sids = @()
    if ($null -ne $own) {
        $sids = @($own, $Everyone, $Authenticated, $ServiceLogon)
        if ($own -eq 'S-1-5-18') {
            $sids += $Administrators
        } else {
            $sids += $Users
            if ($own -like 'S-1-5-80-*') { $sids += $AllServices }
            if ($own -like 'S-1-5-21-*') { $sids += @(Get-TokenGroups $Account) }
            $sids += @(Get-LocalGroups $sids)
        }
    }
    ConvertTo-Json -Compress -Depth 6 -InputObject @{ sids = @($sids | Select-Object -Unique) }
} catch {
    throw $_.Exception.GetBaseException()
}
