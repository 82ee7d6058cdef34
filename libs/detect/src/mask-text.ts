import { hash } from 'node:crypto';
import type { Detector, Placeholder, Span } from './port.js';

/** Types whose separators do not count when two values are compared. */
const NUMERIC = new Set(['us_ssn', 'us_itin', 'us_ein', 'credit_card', 'us_aba_routing', 'us_bank_account', 'iban', 'phone']);

/** `text` with every span replaced. Spans are sorted and do not overlap. */
export function maskText(text: string, spans: readonly Span[], placeholder: Placeholder): string {
  return splice(text, 0, text.length, spans, placeholder);
}

/** The form in which two values of a type are compared: without the separators of numbers, without the case of addresses. */
export function canonicalOf(type: string, value: string): string {
  if (NUMERIC.has(type)) {
    return value
      .normalize('NFKC')
      .replace(/[^\p{L}\p{N}+]/gu, '')
      .toUpperCase();
  }
  return type === 'email' ? value.toLowerCase() : value;
}

/**
 * `[US_SSN:1a2b3c4d]`: the type and the first four bytes of HMAC-SHA-256 over type and value. The same value gives the same placeholder within a
 * deployment, however it is spaced or capitalised; without the key nothing can be told about it.
 */
export function createPlaceholder(key: Buffer): Placeholder {
  const hmac = hmacSha256(key);
  return (type, value) => {
    const canonical = canonicalOf(type, value);
    const digest = hmac(`${type}\0${canonical}`).slice(0, 8);
    return `[${type.toUpperCase().replace(/[^A-Z0-9_]/g, '_')}:${digest}]`;
  };
}

const BLOCK_BYTES = 64;

/**
 * HMAC-SHA-256 (RFC 2104) in hex out of two one-shot digests: createHmac makes a native object per value, and a body of thousands of values then
 * stops the event loop for their collection.
 */
function hmacSha256(key: Buffer): (message: string) => string {
  const block = Buffer.alloc(BLOCK_BYTES);
  (key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key).copy(block);
  const inner = block.map((byte) => byte ^ 0x36);
  const outer = block.map((byte) => byte ^ 0x5c);
  return (message) => hash('sha256', Buffer.concat([outer, hash('sha256', Buffer.concat([inner, Buffer.from(message)]), 'buffer')]), 'hex');
}

export interface MaskedPiece {
  readonly text: string;
  /** Newly decided spans, offsets in the original field. */
  readonly spans: readonly Span[];
}

/** Masks one field that arrives in pieces; what comes out in total is maskText() of the whole. */
export interface TextMasker {
  push(piece: string): MaskedPiece;
  end(): MaskedPiece;
  /** Units held back now. */
  readonly held: number;
}

export function createTextMasker(detector: Detector, placeholder: Placeholder): TextMasker {
  const stream = detector.open();
  let held = '';
  let released = 0;
  const release = (spans: readonly Span[]): MaskedPiece => {
    const text = splice(held, released, stream.settled, spans, placeholder);
    held = held.slice(stream.settled - released);
    released = stream.settled;
    return { text, spans };
  };
  return {
    push(piece) {
      held += piece;
      return release(stream.push(piece));
    },
    end: () => release(stream.end()),
    get held() {
      return held.length;
    },
  };
}

/** Masked text of the field's [from, to); `text` begins at offset `from` of the field. */
function splice(text: string, from: number, to: number, spans: readonly Span[], placeholder: Placeholder): string {
  let masked = '';
  let at = from;
  for (const { type, start, end } of spans) {
    masked += text.slice(at - from, start - from) + placeholder(type, text.slice(start - from, end - from));
    at = end;
  }
  return masked + text.slice(at - from, to - from);
}
