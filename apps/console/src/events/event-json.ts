import { OCSF_TOPIC, ocsfRecord } from '#ocsf';
import type { TailedEvent } from '../ports.js';

/** One line of the tail: the decoded event, digests as hex, masked content as text. */
export function eventLine({ cursor, topic, decoded }: TailedEvent): string {
  return `${JSON.stringify({ cursor, topic, type: decoded.type, event: plain(decoded.event, '') })}\n`;
}

/** The same event as the SIEM topic and the push sinks carry it, with the cursor to go on after it. */
export function ocsfLine({ cursor, decoded, value }: TailedEvent, origin: string): string {
  return `{"cursor":${JSON.stringify(cursor)},"topic":"${OCSF_TOPIC}","event":${ocsfRecord(decoded, value, origin).json}}\n`;
}

function plain(value: unknown, name: string): unknown {
  if (Buffer.isBuffer(value)) return asText(value, name);
  if (Array.isArray(value)) return value.map((item) => plain(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, key)]));
}

/** `inline` and `payload` hold content; every other byte field is a digest. Content that is not UTF-8 goes as base64. */
function asText(bytes: Buffer, name: string): unknown {
  if (name !== 'inline' && name !== 'payload') return bytes.toString('hex');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { base64: bytes.toString('base64') };
  }
}
