import type { OcsfRecord } from '#ocsf';

/** RFC 5424 facility 13, log audit. */
const FACILITY = 13;
/** OCSF severity to syslog severity. */
const SEVERITIES: Readonly<Record<number, number>> = { 1: 6, 2: 5, 3: 4, 4: 3, 5: 2 };
const INFORMATIONAL = 6;

/** What the header of every message says; printable ASCII without blanks. */
export interface SyslogOrigin {
  readonly hostname: string;
  readonly procId: string;
}

/**
 * One record as an RFC 5424 message in an octet-counted frame (RFC 5425 §4.3, RFC 6587 §3.4.1). MSG is the OCSF JSON in ASCII, so it needs no
 * byte order mark. MSGID is the event code; the record's identity is `metadata.uid` in the JSON.
 */
export function syslogFrame({ event, json }: OcsfRecord, { hostname, procId }: SyslogOrigin): string {
  const priority = FACILITY * 8 + (SEVERITIES[event.severity_id] ?? INFORMATIONAL);
  const code = String(event.metadata['event_code'] ?? 'event');
  const message = `<${priority}>1 ${new Date(event.time).toISOString()} ${hostname} affiant ${procId} ${field(code, 32)} - ${json}`;
  return `${message.length} ${message}`;
}

/** A header field: printable ASCII, no blank, bounded; `-` when nothing is left. */
export function field(value: string, most: number): string {
  const clean = value.replaceAll(/[^\x21-\x7e]/g, '').slice(0, most);
  return clean === '' ? '-' : clean;
}
