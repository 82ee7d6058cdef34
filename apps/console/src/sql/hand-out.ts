import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { EngineAnswer } from '../ledger/engine-client.js';

/** Headers of the engine that mean something to a client of ours; all others stay inside. */
const PASSED = [
  'content-type',
  'content-encoding',
  'x-clickhouse-summary',
  'x-clickhouse-progress',
  'x-clickhouse-format',
  'x-clickhouse-timezone',
  'x-clickhouse-exception-code',
  'x-clickhouse-exception-tag',
];

export interface HandedOut {
  /** Bytes of the answer so far, as sent (compressed if the client asked for that). */
  bytes: number;
  /** Hex SHA-256 over those bytes; empty until the answer is whole. */
  sha256: string;
}

export function answerHeaders(answer: EngineAnswer): Record<string, string | string[]> {
  return Object.fromEntries(PASSED.flatMap((name) => (answer.headers[name] === undefined ? [] : [[name, answer.headers[name]]])));
}

/** Rows of the final summary; null when the engine sent none. */
export function resultRows(answer: EngineAnswer): number | null {
  const summary = answer.headers['x-clickhouse-summary'];
  if (typeof summary !== 'string') return null;
  const rows = Number((JSON.parse(summary) as Record<string, string>)['result_rows']);
  return Number.isSafeInteger(rows) ? rows : null;
}

/**
 * Streams the answer and keeps its last piece back until `beforeLast` has made the evidence durable (promise 1 of the design).
 * A crash before that leaves the client with an answer that does not end; it is never taken for whole.
 */
export async function handOut(
  answer: EngineAnswer,
  response: ServerResponse,
  out: HandedOut,
  beforeLast: () => Promise<void>,
): Promise<void> {
  const hash = createHash('sha256');
  let kept: Buffer | null = null;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    if (kept !== null && !response.write(kept)) await drained(response);
    hash.update(chunk);
    out.bytes += chunk.length;
    kept = chunk;
  }
  out.sha256 = hash.digest('hex');
  await beforeLast();
  response.end(kept ?? undefined);
}

/** Resolves when the client has taken what was written. @throws Error when it is gone. */
async function drained(response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  response.once('close', onClose);
  try {
    if (response.destroyed) throw new Error('the client is gone');
    await once(response, 'drain', { signal: gone.signal });
  } finally {
    response.off('close', onClose);
  }
}
