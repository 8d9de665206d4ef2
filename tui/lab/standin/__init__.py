"""A stand-in of the v6 connector, run as real processes by `python THIS_FOLDER PROGRAM DIRECTORY`.

The folder is self-contained: it needs Python 3.11, cryptography ≥ 38 and wsproto ≥ 1.2 and imports nothing else of this
project, because it is also copied onto Debian hosts. Programs: `connector` (server.js), `console` (admin/server.js),
`troubleshoot` (troubleshoot.js), and `node`, which reads a Node command line.

Left out: answering logins, Kerberos, client certificates, the listener on PORT, and the wording of messages that this
project has not seen. The hub's agent authentication is a protocol of our own with the same outcome: an agent is accepted
only when it proves possession of the key of the certificate that the tenant knows.

A few environment variables stand for what a test host cannot have: LAB_ADDRESS (the host's own loopback address; also where
the console listens), LAB_HOSTNAME, LAB_CLOCK (a file that holds seconds by which this host's clock is off), LAB_SPEED
(every waiting time is divided by it), LAB_LIBRARIES (more folders to import from) and LAB_LIFELINE (a descriptor whose end of file means that the lab has gone).
On a Windows host there are also LAB_OS (`windows`), LAB_ROOT (what stands for C:\\), LAB_LOG_FILE (logs.log) and LAB_DOMAIN
(the Windows domain that the host is joined to): marks, line ends, the log file and nltest are then those of Windows.
"""
