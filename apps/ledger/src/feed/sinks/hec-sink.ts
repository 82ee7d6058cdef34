import { setTimeout as delay } from 'node:timers/promises';
import { Agent, fetch, type Response } from 'undici';
import { z } from 'zod';
import { AffiantError, toAffiantError } from '#errors';
import type { OcsfRecord } from '#ocsf';
import type { RecordSink } from '../ports.js';
import type { TlsMaterial } from './syslog-sink.js';

const REQUEST_MS = 30_000;
const POLL_FIRST_MS = 200;
const POLL_LONGEST_MS = 2_000;
const ACK_MS = 120_000;
const SOURCETYPE = 'affiant:ocsf';

const TAKEN = z.looseObject({ code: z.literal(0), ackId: z.int().nonnegative() });
const ACKS = z.looseObject({ acks: z.record(z.string(), z.boolean()) });

export interface HecSinkOptions {
  /** Of the collector, e.g. https://splunk.example.com:8088; the paths of the HEC are added. */
  readonly url: string;
  /** GUID that acknowledgements belong to; constant for the life of the sink. */
  readonly channel: string;
  /** Read anew for each batch, so that a renewed one is picked up. */
  readonly token: () => Promise<string>;
  readonly tls: (() => Promise<TlsMaterial>) | null;
  /** How long to wait for an acknowledgement before the batch is sent again, milliseconds. */
  readonly ackTimeout?: number;
}

/**
 * Splunk HTTP Event Collector with indexer acknowledgement: records count as taken when the indexer says so for their request. Without that in
 * time, or after any error, the batch is sent again: at least once; `event_id` is an indexed field, and the same in a double.
 */
export class HecSink implements RecordSink {
  readonly name = 'splunk-hec';
  readonly #base: string;
  readonly #closing = new AbortController();
  #agent: Agent | null = null;

  constructor(private readonly options: HecSinkOptions) {
    this.#base = hecBase(options.url);
  }

  async deliver(records: readonly OcsfRecord[]): Promise<void> {
    const answer = TAKEN.safeParse(await this.#post('event', records.map(hecEvent).join('\n')));
    if (!answer.success)
      throw new AffiantError('siem_failed', 'the HEC gave no acknowledgement id', {
        remedy: 'Switch on indexer acknowledgement for the token.',
      });
    await this.#acknowledged(answer.data.ackId);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#agent?.destroy();
  }

  async #acknowledged(ackId: number): Promise<void> {
    const end = performance.now() + (this.options.ackTimeout ?? ACK_MS);
    for (let wait = POLL_FIRST_MS; performance.now() < end; wait = Math.min(wait * 2, POLL_LONGEST_MS)) {
      await delay(wait, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      if (this.#closing.signal.aborted) throw new AffiantError('siem_failed', 'the HEC sink is closed');
      const status = ACKS.safeParse(await this.#post('ack', JSON.stringify({ acks: [ackId] })));
      if (status.success && status.data.acks[String(ackId)] === true) return;
    }
    throw new AffiantError('siem_failed', 'the indexer did not acknowledge in time');
  }

  async #post(path: 'event' | 'ack', body: string): Promise<unknown> {
    const { channel, token } = this.options;
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#base}/${path}?channel=${channel}`, {
        method: 'POST',
        headers: {
          authorization: `Splunk ${await token()}`,
          'x-splunk-request-channel': channel,
          'content-type': 'application/json',
        },
        body,
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(REQUEST_MS), this.#closing.signal]),
        dispatcher: await this.#dispatcher(),
      });
      text = (await response.text()).slice(0, 10_000);
    } catch (cause) {
      await this.#forget();
      throw toAffiantError(cause, 'siem_failed', `the HEC does not answer: ${(cause as Error).message}`);
    }
    if (!response.ok) throw new AffiantError('siem_failed', `the HEC answered ${response.status}: ${text.slice(0, 200)}`);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new AffiantError('siem_failed', 'the HEC answered something else than JSON', { cause });
    }
  }

  async #dispatcher(): Promise<Agent> {
    if (this.#agent !== null) return this.#agent;
    const material = this.options.tls === null ? {} : await this.options.tls();
    return (this.#agent ??= new Agent({ connect: material, connections: 4 }));
  }

  /** The next request reads certificates anew. */
  async #forget(): Promise<void> {
    const agent = this.#agent;
    this.#agent = null;
    await agent?.destroy();
  }
}

/** Base of the collector's calls, whether or not the URL has their path. */
export const hecBase = (url: string): string => `${url.replace(/\/+$/, '').replace(/\/services\/collector.*$/, '')}/services/collector`;

function hecEvent({ uid, sourceId, event, json }: OcsfRecord): string {
  const time = (event.time / 1_000).toFixed(3);
  const head = { host: sourceId, source: 'affiant', sourcetype: SOURCETYPE, fields: { event_id: uid } };
  return `{"time":${time},${JSON.stringify(head).slice(1, -1)},"event":${json}}`;
}
