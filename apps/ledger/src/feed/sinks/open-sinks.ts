import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { resolveSecret, type SiemConfig, type TlsConfig } from '#config';
import { AffiantError } from '#errors';
import { siemGroup, type RecordSink } from '../ports.js';
import { HecSink } from './hec-sink.js';
import { field } from './syslog-frame.js';
import { SyslogSink, type TlsMaterial } from './syslog-sink.js';

const SETTLE_MS = 250;

/** The push sinks of the configuration. Nothing is connected yet. @throws AffiantError config_invalid for syslog in the clear to another machine */
export function openSiemSinks({ syslog, splunk_hec }: SiemConfig): readonly RecordSink[] {
  const sinks: RecordSink[] = [];
  if (syslog !== undefined) {
    const { host, port } = addressOf(syslog.address);
    if (syslog.tls === undefined && !isLoopback(host))
      throw new AffiantError('config_invalid', 'syslog without TLS goes to loopback only', {
        where: 'siem.syslog.address',
        remedy: 'Give siem.syslog.tls, or a relay on this machine.',
      });
    const origin = { hostname: field(hostname(), 255), procId: String(process.pid) };
    sinks.push(new SyslogSink({ host, port, tls: syslog.tls === undefined ? null : tlsOf(syslog.tls), origin, settle: SETTLE_MS }));
  }
  if (splunk_hec !== undefined) {
    const { url, channel, token, tls } = splunk_hec;
    sinks.push(new HecSink({ url, channel, token: () => resolveSecret(token), tls: tls === undefined ? null : tlsOf(tls) }));
  }
  return sinks;
}

/** Groups of the push sinks of the configuration: a journal must not be trimmed before they have read it. */
export function siemGroups({ syslog, splunk_hec }: SiemConfig): readonly string[] {
  return [...(syslog === undefined ? [] : ['syslog']), ...(splunk_hec === undefined ? [] : ['splunk-hec'])].map(siemGroup);
}

function addressOf(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(at + 1)) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function tlsOf({ ca, certificate, key }: TlsConfig): () => Promise<TlsMaterial> {
  return async () => ({
    ...(ca === undefined ? {} : { ca: await resolveSecret(ca) }),
    ...(certificate === undefined ? {} : { cert: await resolveSecret(certificate) }),
    ...(key === undefined ? {} : { key: await resolveSecret(key) }),
  });
}
