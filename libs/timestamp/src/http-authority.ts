import { AffiantError } from '#errors';
import type { Stamp, StampHash, TimestampAuthority } from './port.js';
import { stampRequest } from './request.js';
import { verifyStamp } from './verify.js';

const MAX_ANSWER_BYTES = 256 * 1024;

export interface HttpAuthorityOptions {
  readonly name: string;
  readonly url: string;
  /** DER of the certificates its chains must end in. */
  readonly roots: readonly Buffer[];
  /** Digest of the imprint. Default sha256. */
  readonly hash?: StampHash;
  /** Milliseconds for the whole exchange. Default 30,000. */
  readonly timeout?: number;
}

/** Asks an authority over HTTP (RFC 3161 §3.4) for a stamp over `data`, and verifies it. @throws as TimestampAuthority.stamp */
export async function requestTimestamp(options: HttpAuthorityOptions, data: Uint8Array): Promise<Stamp> {
  const request = stampRequest(data, options.hash);
  const response = await exchange(options, request.der);
  const verified = await verifyStamp({ response, data, roots: options.roots, nonce: request.nonce });
  return { response, verified };
}

export function httpAuthority(options: HttpAuthorityOptions): TimestampAuthority {
  return { name: options.name, stamp: (data) => requestTimestamp(options, data) };
}

async function exchange({ name, url, timeout = 30_000 }: HttpAuthorityOptions, body: Buffer): Promise<Buffer> {
  const unavailable = (message: string, cause?: unknown): AffiantError =>
    new AffiantError('timestamp_unavailable', `${name}: ${message}`, { where: url, cause });
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
      body: new Uint8Array(body),
      // A redirect would let somebody else answer; the signature would show it, but nobody has to be asked whom nobody named.
      redirect: 'error',
      signal: AbortSignal.timeout(timeout),
    });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw unavailable(`it answered HTTP ${answer.status}`);
    }
    return await readBounded(answer, () => unavailable('its answer is too large'));
  } catch (cause) {
    throw cause instanceof AffiantError ? cause : unavailable('it does not answer', cause);
  }
}

async function readBounded(answer: Response, tooLarge: () => AffiantError): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > MAX_ANSWER_BYTES) throw tooLarge();
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks);
}
