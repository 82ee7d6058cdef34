import { request } from 'undici';
import { AffiantError, isAffiantError } from '#errors';
import { checkSignatures, cosignerKey, parseNote, type CosignerKey } from '#tlog';
import type { CosignRequest, WitnessPort } from './ports.js';

/** Cosignature lines of many keys and kinds fit. */
const MAX_ANSWER = 256 * 1024;
/** It tells its size once; a second time when another asked it meanwhile. */
const ATTEMPTS = 3;

export interface WitnessClientOptions {
  readonly name: string;
  /** Its submission prefix. */
  readonly url: string;
  /** Signature type 4. */
  readonly vkey: string;
  /** Bound of one call of `cosign`, milliseconds. */
  readonly timeoutMs: number;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** A witness over HTTP (C2SP tlog-witness 1.0), ours or anybody's. */
export class WitnessClient implements WitnessPort {
  readonly name: string;
  readonly #key: CosignerKey;
  readonly #url: string;
  readonly #timeoutMs: number;
  /** What it cosigned last, as far as we know. */
  #size = 0;

  /** @throws AffiantError key_invalid */
  constructor({ name, url, vkey, timeoutMs }: WitnessClientOptions) {
    this.name = name;
    this.#key = cosignerKey(vkey);
    this.#url = `${url.replace(/\/+$/, '')}/add-checkpoint`;
    this.#timeoutMs = timeoutMs;
  }

  async cosign({ note, size, proofFrom, signal: unwanted }: CosignRequest): Promise<string> {
    const signal = AbortSignal.any([AbortSignal.timeout(this.#timeoutMs), unwanted]);
    let from = Math.min(this.#size, size);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const proof = await proofFrom(from);
      const body = `old ${from}\n${proof.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${note}`;
      const answer = await this.#post(body, signal);
      if (answer.status === 409 && answer.type.startsWith('text/x.tlog.size')) {
        from = sizeOf(answer.text);
        if (from > size) throw failed(`it has seen ${from} leaves of this log already, and was shown ${size}`);
        continue;
      }
      if (answer.status !== 200) throw failed(`it answers ${answer.status}: ${oneLine(answer.text)}`);
      const line = this.#read(note, answer.text);
      this.#size = size;
      return line;
    }
    throw failed('it names another size each time');
  }

  timestampIn(note: string): number | null {
    return this.#key.timestampIn(parseNote(note));
  }

  /** Our line among those it answered; lines of keys that we do not know are passed over. */
  #read(note: string, lines: string): string {
    try {
      const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
      const answered = parseNote(`${text}\n${lines}`);
      if (checkSignatures(answered, [this.#key]).length === 0) throw failed('none of its lines is by the configured key');
      const index = answered.signatures.findIndex(({ name, keyId }) => name === this.#key.name && keyId === this.#key.keyId);
      return `${lines.split('\n')[index] as string}\n`;
    } catch (error) {
      throw isAffiantError(error) && error.code === 'witness_failed' ? error : failed('its answer does not verify', error);
    }
  }

  async #post(body: string, signal: AbortSignal): Promise<Answer> {
    try {
      const response = await request(this.#url, { method: 'POST', body, signal, headers: { 'content-type': 'text/plain; charset=utf-8' } });
      const type = response.headers['content-type'];
      return { status: response.statusCode, type: typeof type === 'string' ? type : '', text: await readBounded(response.body) };
    } catch (error) {
      if (isAffiantError(error)) throw error;
      throw failed(signal.aborted ? 'it does not answer in time' : 'it cannot be reached', error);
    }
  }
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > MAX_ANSWER) throw failed('its answer is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function sizeOf(text: string): number {
  const size = /^(0|[1-9]\d*)\n?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw failed('the size it names is malformed');
  return size;
}

/** What a stranger says goes into our log: short, and without line breaks. */
const oneLine = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .slice(0, 200)
    .trim();

function failed(message: string, cause?: unknown): AffiantError {
  return new AffiantError('witness_failed', message, cause === undefined ? {} : { cause });
}
