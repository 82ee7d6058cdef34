import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { resolveSecret, type SiemConfig, type TlsConfig } from '#config';
import { AffiantError } from '#errors';
import { siemGroup, type RecordSink } from '../ports.js';
import { HecSink, type HecSinkOptions } from './hec-sink.js';
import { probeHec, probeSyslog, type ProbeAnswer } from './probe.js';
import { field } from './syslog-frame.js';
import { SyslogSink, type SyslogSinkOptions, type TlsMaterial } from './syslog-sink.js';

const SETTLE_MS = 250;

/** The push sinks of the configuration. Nothing is connected yet. @throws AffiantError config_invalid for syslog in the clear to another machine */
export function openSiemSinks(config: SiemConfig): readonly RecordSink[] {
  const { syslog, hec } = optionsOf(config);
  const origin = { hostname: field(hostname(), 255), procId: String(process.pid) };
  return [
    ...(syslog === null ? [] : [new SyslogSink({ ...syslog, origin, settle: SETTLE_MS })]),
    ...(hec === null ? [] : [new HecSink(hec)]),
  ];
}

/** Tries every receiver of the configuration without sending it anything, by the name of its sink. @throws AffiantError config_invalid as above */
export function siemProbes(config: SiemConfig): ReadonlyMap<'syslog' | 'splunk-hec', () => Promise<ProbeAnswer>> {
  const { syslog, hec } = optionsOf(config);
  const probes = new Map<'syslog' | 'splunk-hec', () => Promise<ProbeAnswer>>();
  if (syslog !== null) probes.set('syslog', () => probeSyslog(syslog));
  if (hec !== null) probes.set('splunk-hec', () => probeHec(hec));
  return probes;
}

function optionsOf({ syslog, splunk_hec }: SiemConfig): {
  syslog: Pick<SyslogSinkOptions, 'host' | 'port' | 'tls'> | null;
  hec: HecSinkOptions | null;
} {
  const address = syslog === undefined ? null : addressOf(syslog.address);
  if (address !== null && syslog?.tls === undefined && !isLoopback(address.host))
    throw new AffiantError('config_invalid', 'syslog without TLS goes to loopback only', {
      where: 'siem.syslog.address',
      remedy: 'Give siem.syslog.tls, or a relay on this machine.',
    });
  return {
    syslog: address === null ? null : { ...address, tls: syslog?.tls === undefined ? null : tlsOf(syslog.tls) },
    hec: splunk_hec === undefined ? null : hecOf(splunk_hec),
  };
}

const hecOf = ({ url, channel, token, tls }: NonNullable<SiemConfig['splunk_hec']>): HecSinkOptions => ({
  url,
  channel,
  token: () => resolveSecret(token),
  tls: tls === undefined ? null : tlsOf(tls),
});

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
