// adldap-ha ticket-info
'use strict';
// Standard input: {"url", "proxy", "ca", "timeout"}; "environment": true lets HTTP_PROXY of this process win. Standard output: one line, {"status", "body"} or {"error": CODE}.
// Only a GET is ever sent. Works with node 12 and later, without modules of its own.
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const tls = require('tls');

const LIMIT = 1 << 20;
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

function certificatesIn(place) {
  try {
    const files = fs.statSync(place).isDirectory() ? fs.readdirSync(place).map((name) => path.join(place, name)) : [place];
    return files.map((file) => {
      try {
        return fs.readFileSync(file, 'latin1');
      } catch (error) {
        return '';
      }
    });
  } catch (error) {
    return [];
  }
}

function everythingTrusted(more) {
  const env = process.env;
  const places = more.concat([env.NODE_EXTRA_CA_CERTS, env.SSL_CERT_FILE, env.SSL_CERT_DIR], BUNDLES).filter(Boolean);
  const found = places.map(certificatesIn).reduce((all, texts) => all.concat(texts), []);
  const ofSystem = tls.getCACertificates ? tls.getCACertificates('system') : [];
  return (tls.rootCertificates || []).concat(ofSystem, found.filter((text) => text.includes('BEGIN CERTIFICATE')));
}

function once(done) {
  let called = false;
  return (result) => {
    if (!called) {
      called = true;
      done(result);
    }
  };
}

function get(options, done) {
  const request = https.request(options, (response) => {
    const parts = [];
    let size = 0;
    response.on('data', (part) => {
      size += part.length;
      if (size > LIMIT) request.destroy();
      else parts.push(part);
    });
    response.on('error', (error) => done({ error: error.code || 'ECONNRESET' }));
    response.on('aborted', () => done({ error: 'ECONNRESET' }));
    response.on('end', () => done({ status: response.statusCode, body: Buffer.concat(parts).toString('utf8') }));
  });
  request.on('error', (error) => done({ error: error.code || 'OTHER' }));
  request.end();
}

function throughProxy(target, proxy, options, done) {
  const headers = { Host: `${target.hostname}:${target.port || 443}` };
  if (proxy.username) {
    const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    headers['Proxy-Authorization'] = `Basic ${Buffer.from(user).toString('base64')}`;
  }
  const secure = proxy.protocol === 'https:';
  const connect = (secure ? https : http).request({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (secure ? 443 : 80),
    method: 'CONNECT',
    path: headers.Host,
    headers,
    agent: false,
  });
  connect.on('connect', (response, socket) => {
    if (response.statusCode !== 200) {
      socket.destroy();
      done({ error: 'PROXY' });
      return;
    }
    get(Object.assign({}, options, { socket }), done);
  });
  connect.on('response', () => done({ error: 'PROXY' }));
  connect.on('error', (error) => done({ error: error.code || 'PROXY' }));
  connect.end();
}

function proxyOf(order) {
  const named = ((order.environment && process.env.HTTP_PROXY) || '').trim();
  if (!named) return order.proxy;
  return named.includes('://') ? named : `http://${named}`;
}

function ask(order, ca, done) {
  const target = new URL(order.url);
  const options = {
    method: 'GET',
    host: target.hostname.replace(/^\[|\]$/g, ''),
    port: target.port || 443,
    path: target.pathname,
    headers: { Accept: 'application/json', 'User-Agent': 'adldap-ha', Host: target.host },
    rejectUnauthorized: true,
    agent: false,
  };
  if (!/^[0-9.]+$|:/.test(options.host)) options.servername = options.host;
  if (ca) options.ca = ca;
  const proxy = proxyOf(order);
  if (proxy) throughProxy(target, new URL(proxy), options, done);
  else get(options, done);
}

function main(text) {
  const order = JSON.parse(text);
  const finish = once((result) => {
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  });
  setTimeout(() => finish({ error: 'TIMEOUT' }), order.timeout).unref();
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO/;
  ask(order, null, once((first) => {
    if (first.error && untrusted.test(first.error)) ask(order, everythingTrusted(order.ca || []), once(finish));
    else finish(first);
  }));
}

const input = [];
process.on('uncaughtException', (error) => {
  process.stdout.write(`${JSON.stringify({ error: error.code || 'OTHER' })}\n`, () => process.exit(0));
});
process.stdin.on('data', (part) => input.push(part));
process.stdin.on('end', () => main(Buffer.concat(input).toString('utf8')));
