import { jsonError } from './json-error.js';
import { KeyTrail } from './key-trail.js';
import type { Budget, Steps } from './slices.js';
import { StringHopper, SUSPENDED, UNTERMINATED } from './string-hopper.js';

/** Receives what the scanner meets, in order. Offsets are bytes of the scanned buffer, end exclusive, without the quotes. */
export interface JsonHandler {
  open(isArray: boolean, at: number): void;
  /** Name of the member that follows, decoded. */
  key(name: string): void;
  string(start: number, end: number, escaped: boolean): void;
  /** A number, true, false or null. */
  scalar(start: number, end: number): void;
  close(isArray: boolean, end: number): void;
}

const enum Expect {
  Value,
  ValueOrEnd,
  KeyOrEnd,
  Key,
  Colon,
  CommaOrEnd,
  Nothing,
}

const enum Pending {
  None,
  Key,
  Value,
}

const MAX_DEPTH = 512;
const MAX_SCALAR = 4_096;
const TOKENS_PER_CHECK = 256;
const BLANKS_PER_CHECK = 1 << 16;
const SCALAR = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;

/** Stops at every check. */
const EACH_CHECK: Budget = { spent: true };

/**
 * Walks one JSON value (RFC 8259) in [start, end) of a buffer without building objects. Refuses malformed structure, duplicate
 * member names (compared decoded) and nesting deeper than 512. The content of value strings is not looked at: who decodes it checks it.
 * Resumable: `run` returns false when the budget is spent, and goes on from there when called again.
 * @throws AffiantError body_invalid with the byte offset and the path
 */
export class JsonScanner {
  private at: number;
  private expect: Expect = Expect.Value;
  private pending: Pending = Pending.None;
  private pendingStart = 0;
  private readonly hopper: StringHopper;
  private readonly trail = new KeyTrail(MAX_DEPTH);

  constructor(
    private readonly bytes: Buffer,
    start: number,
    private readonly end: number,
    private readonly handler: JsonHandler,
  ) {
    this.at = start;
    this.hopper = new StringHopper(bytes, end);
  }

  /** @returns true when the value was walked to its end. Without slices it runs through. */
  run(slices?: Budget): boolean {
    for (let tokens = 1; ; tokens++) {
      if (slices !== undefined && tokens % TOKENS_PER_CHECK === 0 && slices.spent) return false;
      if (this.pending !== Pending.None) {
        if (!this.finishString(this.hopper.resume()) && slices?.spent === true) return false;
        continue;
      }
      const byte = this.skipBlanks();
      if (byte === -2) {
        if (slices?.spent === true) return false;
        continue;
      }
      if (byte === -1) {
        if (this.expect === Expect.Nothing) return true;
        throw this.wrong('The JSON ends too early');
      }
      this.token(byte);
    }
  }

  /** Walks to the end in steps. */
  *steps(): Steps<void> {
    while (!this.run(EACH_CHECK)) yield;
  }

  /** Next byte that is not blank; -1 at the end; -2 when there are so many blanks that the budget must be asked. */
  private skipBlanks(): number {
    const { bytes, end } = this;
    let at = this.at;
    const stop = Math.min(end, at + BLANKS_PER_CHECK);
    for (; at < stop; at++) {
      const byte = bytes[at]!;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        this.at = at;
        return byte;
      }
    }
    this.at = at;
    return at >= end ? -1 : -2;
  }

  private token(byte: number): void {
    switch (this.expect) {
      case Expect.CommaOrEnd:
        if (byte === 0x2c) {
          this.at++;
          this.expect = this.trail.inArray ? Expect.Value : Expect.Key;
          if (this.trail.inArray) this.trail.nextElement();
        } else this.closeContainer(byte);
        return;
      case Expect.Colon:
        if (byte !== 0x3a) throw this.wrong('A colon is missing');
        this.at++;
        this.expect = Expect.Value;
        return;
      case Expect.KeyOrEnd:
      case Expect.Key:
        if (byte === 0x22) this.beginString(Pending.Key);
        else if (this.expect === Expect.KeyOrEnd) this.closeContainer(byte);
        else throw this.wrong('A member name is missing');
        return;
      case Expect.ValueOrEnd:
        if (byte === 0x5d) this.closeContainer(byte);
        else this.value(byte);
        return;
      case Expect.Value:
        this.value(byte);
        return;
      default:
        throw this.wrong('Something follows the end of the JSON');
    }
  }

  private value(byte: number): void {
    if (byte === 0x22) this.beginString(Pending.Value);
    else if (byte === 0x7b || byte === 0x5b) {
      const isArray = byte === 0x5b;
      if (!this.trail.open(isArray)) throw this.wrong('The JSON is nested too deep');
      this.handler.open(isArray, this.at);
      this.at++;
      this.expect = isArray ? Expect.ValueOrEnd : Expect.KeyOrEnd;
    } else this.scalar();
  }

  private closeContainer(byte: number): void {
    const isArray = this.trail.inArray;
    if (this.trail.depth === 0 || byte !== (isArray ? 0x5d : 0x7d)) throw this.wrong('A comma or a closing bracket is missing');
    this.at++;
    this.trail.close();
    this.handler.close(isArray, this.at);
    this.afterValue();
  }

  private afterValue(): void {
    this.expect = this.trail.depth === 0 ? Expect.Nothing : Expect.CommaOrEnd;
  }

  private scalar(): void {
    const { bytes, end } = this;
    const start = this.at;
    const stop = Math.min(end, start + MAX_SCALAR);
    let at = start;
    for (; at < stop; at++) {
      const byte = bytes[at]!;
      // Letters, digits, + - . : whatever else ends the token.
      const inside =
        (byte >= 0x30 && byte <= 0x39) ||
        (byte >= 0x61 && byte <= 0x7a) ||
        byte === 0x2d ||
        byte === 0x2e ||
        byte === 0x2b ||
        byte === 0x45;
      if (!inside) break;
    }
    if (!SCALAR.test(bytes.toString('latin1', start, at))) throw this.wrong('A value is malformed');
    this.at = at;
    this.handler.scalar(start, at);
    this.afterValue();
  }

  private beginString(what: Pending): void {
    this.pending = what;
    this.pendingStart = this.at + 1;
    this.finishString(this.hopper.find(this.pendingStart));
  }

  private finishString(quote: number): boolean {
    if (quote === SUSPENDED) return false;
    if (quote === UNTERMINATED) throw this.wrong('A string is not closed');
    const start = this.pendingStart;
    const escaped = this.hopper.hasEscape(start, quote);
    const wasKey = this.pending === Pending.Key;
    this.pending = Pending.None;
    this.at = quote + 1;
    if (wasKey) {
      const name = this.trail.name(this.bytes, start, quote, escaped);
      if (name === null) throw jsonError('A member name is malformed.', start, this.trail.path());
      const wrong = this.trail.addKey(name);
      if (wrong !== null)
        throw jsonError(wrong === 'twice' ? 'A member name occurs twice.' : 'An object has too many members.', start, this.trail.path());
      this.handler.key(name);
      this.expect = Expect.Colon;
    } else {
      this.handler.string(start, quote, escaped);
      this.afterValue();
    }
    return true;
  }

  private wrong(message: string): Error {
    return jsonError(`${message}.`, this.at, this.trail.path());
  }
}
