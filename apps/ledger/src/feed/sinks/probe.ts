import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { Agent, fetch } from 'undici';
import { z } from 'zod';
import { AffiantError, toAffiantError } from '#errors';
import { hecBase, type HecSinkOptions } from './hec-sink.js';
import type { SyslogSinkOptions } from './syslog-sink.js';

const ANSWER_MS = 10_000;
/** A receiver that refuses our certificate says so after the handshake (TLS 1.3). */
const STAY_MS = 500;
const HEC_ERROR = z.looseObject({ code: z.int(), text: z.string().optional() });
/** Splunk: "ACK is disabled". */
const ACK_DISABLED = 14;

/** What a receiver answers when it is tried. */
export interface ProbeAnswer {
  readonly detail: string;
  /** When the receiver's certificate ends, milliseconds since the Unix epoch; null without TLS. */
  readonly certificateEnds: number | null;
}

/** Connects as the sink does, and sends nothing. @throws AffiantError siem_failed; what the secrets' store throws */
export async function probeSyslog({ host, port, tls }: Pick<SyslogSinkOptions, 'host' | 'port' | 'tls'>): Promise<ProbeAnswer> {
  const material = tls === null ? null : await tls();
  const socket: Socket =
    material === null
      ? connectPlain({ host, port })
      : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...material });
  try {
    await answered(socket, material === null ? 'connect' : 'secureConnect');
    if (!(socket instanceof TLSSocket)) return { detail: 'connected, without TLS', certificateEnds: null };
    return { detail: `connected, ${socket.getProtocol() ?? 'TLS'}`, certificateEnds: Date.parse(socket.getPeerCertificate().valid_to) };
  } catch (cause) {
    throw new AffiantError('siem_failed', `no syslog connection to ${host}:${port}: ${(cause as Error).message}`, {
      cause,
      remedy: 'Check siem.syslog: address, ca, and the certificate the receiver wants of us.',
    });
  } finally {
    socket.destroy();
  }
}

/** Resolves when the connection is made and the receiver has left it open for a moment. */
function answered(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('no answer')), ANSWER_MS);
    socket.once(event, () => void delay(STAY_MS, undefined, { ref: false }).then(resolve));
    socket.on('error', reject);
    socket.once('end', () => reject(new Error('closed by the receiver')));
    socket.once('close', () => {
      clearTimeout(late);
      reject(new Error('closed by the receiver'));
    });
    socket.resume();
  });
}

/**
 * Asks for the collector's health, and for an acknowledgement that there is not: it takes a valid token with acknowledgement, and sends no event.
 * @throws AffiantError siem_failed; what the secrets' store throws
 */
export async function probeHec({
  url,
  channel,
  token,
  tls,
}: Pick<HecSinkOptions, 'url' | 'channel' | 'token' | 'tls'>): Promise<ProbeAnswer> {
  const agent = new Agent({ connect: tls === null ? {} : await tls(), connections: 1 });
  const ask = async (path: string, init: { method: 'GET' } | { method: 'POST'; body: string; headers: Record<string, string> }) => {
    try {
      const answer = await fetch(`${hecBase(url)}/${path}`, {
        ...init,
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_MS),
        dispatcher: agent,
      });
      return { status: answer.status, text: (await answer.text()).slice(0, 2_000) };
    } catch (cause) {
      const reason = (cause as { cause?: Error }).cause?.message ?? (cause as Error).message;
      throw toAffiantError(cause, 'siem_failed', `the HEC does not answer: ${reason}`);
    }
  };
  try {
    const health = await ask('health', { method: 'GET' });
    if (health.status !== 200)
      throw new AffiantError('siem_failed', `the HEC is not healthy: it answers ${health.status}`, {
        remedy: 'Look at the collector: 503 means that its queues are full, 404 that siem.splunk_hec.url is not a collector.',
      });
    const headers = { authorization: `Splunk ${await token()}`, 'x-splunk-request-channel': channel, 'content-type': 'application/json' };
    const { status, text } = await ask(`ack?channel=${channel}`, { method: 'POST', headers, body: '{"acks":[0]}' });
    if (status !== 200) throw refused(status, text);
    return { detail: 'healthy; the token is taken, with acknowledgement', certificateEnds: null };
  } finally {
    await agent.destroy();
  }
}

function refused(status: number, text: string): AffiantError {
  if (codeOf(text) === ACK_DISABLED)
    return new AffiantError('siem_failed', 'the HEC token has no indexer acknowledgement', {
      remedy: 'Switch on indexer acknowledgement for the token: without it nothing counts as taken.',
    });
  return new AffiantError('siem_failed', `the HEC does not take the token: it answers ${status}`, {
    remedy: 'Check siem.splunk_hec.token, and that the token is enabled.',
  });
}

function codeOf(text: string): number | null {
  try {
    return HEC_ERROR.parse(JSON.parse(text)).code;
  } catch {
    return null;
  }
}
