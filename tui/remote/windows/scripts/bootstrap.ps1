# Runs the script that one line of standard input names: base64 of UTF-8 JSON with script, parameters and nonce.
# The answer is framed by the nonce, since a shell's own words may stand around it.
param()
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
$ProgressPreference = 'SilentlyContinue'
$mode = "$($ExecutionContext.SessionState.LanguageMode)"
if ($mode -ne 'FullLanguage') {
    "[adldap-ha $mode $($PSVersionTable.PSVersion)]"
    exit 4
}
Add-Type -AssemblyName System.Web.Extensions
$json = New-Object Web.Script.Serialization.JavaScriptSerializer
$json.MaxJsonLength = [int]::MaxValue
$line = -join @($input)
$request = $json.DeserializeObject([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($line)))
$given = @{}
foreach ($name in $request['parameters'].Keys) {
    $entry = $request['parameters'][$name]
    $value = $entry['value']
    switch ($entry['type']) {
        'strings' {
            $given[$name] = [string[]]$value
        }
        'int' {
            $given[$name] = [long]$value
        }
        'bool' {
            $given[$name] = [bool]$value
        }
        'secret' {
            $hidden = New-Object Security.SecureString
            foreach ($letter in $value.ToCharArray()) { $hidden.AppendChar($letter) }
            $given[$name] = $hidden
        }
        default {
            $given[$name] = $value
        }
    }
}
try {
    $output = & ([scriptblock]::Create($request['script'])) @given
    $answer = @{ output = [string](@($output)[-1]) }
} catch {
    $cause = $_.Exception.GetBaseException()
    $answer = @{ error = @{ type = $cause.GetType().FullName; message = $cause.Message; hresult = $cause.HResult } }
}
$text = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json.Serialize($answer)))
[Console]::Out.Write("`r`n" + $request['nonce'] + $text + $request['nonce'] + "`r`n")
