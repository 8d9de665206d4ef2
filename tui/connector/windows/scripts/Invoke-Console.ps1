# Asks the admin console, which answers on the host's own 127.0.0.1:8357 only, for Path. Only ever a GET.
# status 0: nobody listens, or no answer came within Seconds.
param([string]$Path, [int]$Seconds = 30)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

$Limit = 8388608

function Read-Body($Response) {
    $stream = $Response.GetResponseStream()
    $body = New-Object IO.MemoryStream
    $buffer = New-Object byte[] 65536
    try {
        while ($body.Length -lt $Limit) {
            $count = $stream.Read($buffer, 0, $buffer.Length)
            if ($count -eq 0) { break }
            $body.Write($buffer, 0, $count)
        }
    } finally {
        $stream.Dispose()
    }
    return [Convert]::ToBase64String($body.ToArray())
}

$request = [Net.WebRequest]::Create("http://127.0.0.1:8357$Path")
$request.Method = 'GET'
$request.Accept = 'text/plain, */*'
$request.AllowAutoRedirect = $false
$request.KeepAlive = $false
$request.Proxy = $null
$request.Timeout = $Seconds * 1000
$request.ReadWriteTimeout = $Seconds * 1000
$response = $null
try {
    try {
        $response = $request.GetResponse()
    } catch {
        # A status of 400 and more is an exception that holds the answer.
        $failure = $_.Exception
        while ($null -ne $failure -and $failure -isnot [Net.WebException]) { $failure = $failure.InnerException }
        if ($null -ne $failure) { $response = $failure.Response }
    }
    $answer = @{ status = 0; data = ''; location = '' }
    if ($null -ne $response) {
        $answer['status'] = [int]$response.StatusCode
        $answer['location'] = [string]$response.Headers['Location']
        try { $answer['data'] = Read-Body $response } catch { $answer['status'] = 0 }
    }
} finally {
    if ($null -ne $response) { $response.Close() }
}
ConvertTo-Json -Compress -Depth 6 -InputObject $answer
