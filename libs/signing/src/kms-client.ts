import { setTimeout as delay } from 'node:timers/promises';
import { AffiantError } from '#errors';
import { sigV4 } from './sig-v4.js';
import type { KmsSpec } from './port.js';

/** Tries of one call; whoever needs the answer tries again for ever. */
const TRIES = 3;
const FIRST_WAIT_MS = 200;
const MAX_ANSWER = 64 * 1024;
/** What goes away by itself. */
const PASSING = /Throttling|LimitExceeded|KMSInternal|DependencyTimeout|KeyUnavailable|ServiceUnavailable|InternalFailure/;

export interface KmsTools {
  readonly now?: () => Date;
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}

/** One call of the JSON protocol of AWS KMS, tried again while what fails goes away by itself. @throws AffiantError signer_failed, config_secret_missing */
export async function callKms(spec: KmsSpec, tools: KmsTools, action: string, body: object): Promise<Record<string, unknown>> {
  const pause = tools.pause ?? delay;
  for (let tried = 1; ; tried += 1) {
    const answer = await tryOnce(spec, tools, action, body);
    if ('value' in answer) return answer.value;
    if (!answer.passing || tried === TRIES)
      throw new AffiantError('signer_failed', `KMS ${action}: ${answer.reason}`, { where: spec.keyId });
    await pause(FIRST_WAIT_MS * 2 ** (tried - 1));
  }
}

type Answer = { readonly value: Record<string, unknown> } | { readonly reason: string; readonly passing: boolean };

async function tryOnce(spec: KmsSpec, { now = () => new Date() }: KmsTools, action: string, payload: object): Promise<Answer> {
  const url = new URL(spec.endpoint);
  const body = JSON.stringify(payload);
  const credentials = {
    accessKeyId: await spec.accessKeyId(),
    secretAccessKey: await spec.secretAccessKey(),
    sessionToken: await spec.sessionToken?.(),
  };
  const content = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` };
  const headers = await sigV4({ method: 'POST', url, headers: content, body }, 'kms', spec.region, credentials, now());
  try {
    const signal = AbortSignal.timeout(spec.timeoutMs);
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
    const value = parse(await readBounded(response));
    if (response.ok) return value === null ? { reason: 'the answer is not JSON', passing: false } : { value };
    // `com.amazonaws.kms#NotFoundException` or the bare name; nothing else of the answer is shown.
    const kind = String(value?.['__type'] ?? '')
      .split('#')
      .at(-1)!
      .slice(0, 80)
      .replace(/[^A-Za-z]/g, '');
    return {
      reason: `status ${response.status} ${kind}`.trim(),
      passing: response.status === 429 || response.status >= 500 || PASSING.test(kind),
    };
  } catch (error) {
    const timedOut = (error as Error).name === 'TimeoutError';
    return { reason: timedOut ? `no answer within ${spec.timeoutMs} ms` : 'it cannot be reached', passing: true };
  }
}

async function readBounded(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > MAX_ANSWER) throw new AffiantError('signer_failed', 'the answer of the KMS is too large');
  }
  return text;
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** A field of an answer that holds bytes. @throws AffiantError signer_failed when it is not there */
export function base64Of(value: unknown, where: string): Buffer {
  if (typeof value !== 'string') throw new AffiantError('signer_failed', 'the answer of the KMS lacks what was asked for', { where });
  return Buffer.from(value, 'base64');
}
