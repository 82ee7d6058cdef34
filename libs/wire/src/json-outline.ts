import { jsonError } from './json-error.js';
import type { Slices } from './slices.js';
import { StringHopper, SUSPENDED, UNTERMINATED } from './string-hopper.js';

/** A member of the top-level object. Offsets are bytes, end exclusive. */
export interface OutlineMember {
  /** Decoded. */
  readonly name: string;
  /** Of the opening quote of the name. */
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
  /** Ends of the elements when the value is an array whose elements were asked for, ascending; starts in `elementStarts`. */
  readonly elementStarts: readonly number[];
  readonly elementEnds: readonly number[];
}

/** Elements that were taken out of an array of the bytes, because they are known: what is there is read as if they stood at `at`. */
export interface TakenOut {
  /** Where they stood: behind the bracket that opens the array and the blanks that follow it. */
  readonly at: number;
  readonly elements: number;
}

/** Bounds against hostile bodies: what is kept of each element adds up. */
const MAX_ELEMENTS = 32_768;
const MAX_MEMBERS = 1_024;
const CHECK_EVERY = 64;
const BYTES_PER_CALL = 8_192;

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/**
 * Cuts the top level of a JSON object into its members, and chosen array members into their elements, by counting brackets and hopping
 * over strings: the cheapest pass that finds where things are (about half a millisecond per megabyte). What is inside a value is not checked; give
 * each value to JsonScanner for that. Resumable inside. Elements that were taken out are not told.
 * @throws AffiantError body_invalid: not one object, malformed at the top level, or a member twice
 */
export async function outlineObject(
  bytes: Buffer,
  splitArrays: ReadonlySet<string>,
  slices: Slices,
  taken: TakenOut | null = null,
): Promise<OutlineMember[]> {
  const outliner = new Outliner(bytes, splitArrays, taken);
  while (!outliner.run(slices)) await slices.turn();
  return outliner.members;
}

const enum Step {
  Begin,
  FirstName,
  NextName,
  Name,
  Colon,
  Value,
  Skip,
  SkipString,
  AfterValue,
  End,
}

class Outliner {
  readonly members: OutlineMember[] = [];
  private at = 0;
  private step: Step = Step.Begin;
  private depth = 0;
  private name = '';
  private nameStart = 0;
  private valueStart = 0;
  private elementStart = -1;
  private splitting = false;
  /** No comma came yet that an element must follow. */
  private mayEnd = true;
  private starts: number[] = [];
  private ends: number[] = [];
  private readonly seen = new Set<string>();
  private readonly hopper: StringHopper;
  /** Where taken elements end, until what follows them is seen. */
  private takenEnd: number;

  constructor(
    private readonly bytes: Buffer,
    private readonly splitArrays: ReadonlySet<string>,
    private readonly taken: TakenOut | null,
  ) {
    this.takenEnd = taken?.at ?? -1;
    this.hopper = new StringHopper(bytes, bytes.length);
  }

  run(slices: Slices): boolean {
    for (let count = 1; ; count++) {
      if (count % CHECK_EVERY === 0 && slices.spent) return false;
      if (this.step === Step.SkipString || this.step === Step.Name) {
        if (!this.endString(this.hopper.resume()) && slices.spent) return false;
        continue;
      }
      if (this.step === Step.Skip) {
        if (!this.skip() && slices.spent) return false;
        continue;
      }
      const byte = this.next();
      if (byte === -1) {
        if (this.step === Step.End) return true;
        throw this.wrong('The JSON ends too early.');
      }
      if (byte !== -2) this.structure(byte);
    }
  }

  /** Next byte that is not blank; -1 at the end; -2 after a long stretch of blanks. */
  private next(): number {
    const stop = Math.min(this.bytes.length, this.at + 4_096);
    for (; this.at < stop; this.at++) {
      const byte = this.bytes[this.at]!;
      if (!isBlank(byte)) return byte;
    }
    return this.at >= this.bytes.length ? -1 : -2;
  }

  private structure(byte: number): void {
    switch (this.step) {
      case Step.Begin:
        if (byte !== 0x7b) throw this.wrong('The body is not a JSON object.');
        this.at++;
        this.step = Step.FirstName;
        return;
      case Step.FirstName:
      case Step.NextName:
        if (byte === 0x7d && this.step === Step.FirstName) {
          this.at++;
          this.step = Step.End;
          return;
        }
        if (byte !== 0x22) throw this.wrong('A member name is missing.');
        this.nameStart = this.at;
        this.step = Step.Name;
        this.endString(this.hopper.find(this.at + 1));
        return;
      case Step.Colon:
        if (byte !== 0x3a) throw this.wrong('A colon is missing.');
        this.at++;
        this.step = Step.Value;
        return;
      case Step.Value:
        this.beginValue(byte);
        return;
      case Step.AfterValue:
        if (byte !== 0x2c && byte !== 0x7d) throw this.wrong('A comma or a closing bracket is missing.');
        this.at++;
        this.step = byte === 0x2c ? Step.NextName : Step.End;
        return;
      default:
        throw this.wrong('Something follows the end of the JSON.');
    }
  }

  private beginValue(byte: number): void {
    this.valueStart = this.at;
    this.depth = 0;
    this.starts = [];
    this.ends = [];
    this.elementStart = -1;
    this.mayEnd = true;
    this.splitting = byte === 0x5b && this.splitArrays.has(this.name);
    this.step = Step.Skip;
  }

  /** Goes over a value by brackets. @returns false when it stopped for the budget. */
  private skip(): boolean {
    const { bytes } = this;
    let { at } = this;
    const stop = Math.min(bytes.length, at + BYTES_PER_CALL);
    while (at < stop) {
      const byte = bytes[at]!;
      if (byte === 0x22) {
        if (this.splitting && this.depth === 1 && this.elementStart === -1) this.beginElement(at);
        const quote = bytes.indexOf(0x22, at + 1);
        if (quote === -1 || bytes[quote - 1] === 0x5c || this.depth === 0) {
          this.step = Step.SkipString;
          return this.endString(this.hopper.find(at + 1));
        }
        at = quote;
      } else if (byte === 0x2c || byte === 0x7d || byte === 0x5d) {
        this.at = at;
        if (this.depth === 0) return this.endValue(at);
        if (this.depth === 1) this.endElement();
        if (byte !== 0x2c && --this.depth === 0) {
          if (this.splitting && byte !== 0x5d) throw this.wrong('A comma or a closing bracket is missing.');
          return this.endValue(at + 1);
        }
      } else if (!isBlank(byte)) {
        if (this.splitting && this.depth === 1 && this.elementStart === -1) this.beginElement(at);
        if (byte === 0x7b || byte === 0x5b) this.depth++;
      }
      at++;
    }
    this.at = at;
    if (at >= bytes.length) throw this.wrong('The JSON ends too early.');
    return false;
  }

  private beginElement(at: number): void {
    this.at = at;
    if (this.followsTaken) throw this.wrong('A comma or a closing bracket is missing.');
    this.elementStart = at;
  }

  private get followsTaken(): boolean {
    return this.takenEnd !== -1 && this.at >= this.takenEnd;
  }

  private endElement(): void {
    if (!this.splitting) return;
    if (this.elementStart === -1) {
      if (this.followsTaken) {
        this.takenEnd = -1;
        this.mayEnd = this.bytes[this.at] === 0x5d;
        return;
      }
      if (this.bytes[this.at] === 0x5d && this.mayEnd) return;
      throw this.wrong('An element is missing.');
    }
    let end = this.at;
    while (isBlank(this.bytes[end - 1]!)) end--;
    if (this.starts.length + (this.taken?.elements ?? 0) >= MAX_ELEMENTS)
      throw this.wrong(`An array has more than ${MAX_ELEMENTS} elements.`);
    this.mayEnd = false;
    this.starts.push(this.elementStart);
    this.ends.push(end);
    this.elementStart = -1;
  }

  private endString(quote: number): boolean {
    if (quote === SUSPENDED) return false;
    if (quote === UNTERMINATED) throw this.wrong('A string is not closed.');
    if (this.step === Step.Name) {
      this.name = this.decodeName(this.nameStart, quote + 1);
      if (this.seen.has(this.name)) throw jsonError('A member name occurs twice.', this.nameStart, '$');
      this.seen.add(this.name);
      this.step = Step.Colon;
    } else this.step = Step.Skip;
    this.at = quote + 1;
    if (this.step === Step.Skip && this.depth === 0) return this.endValue(this.at);
    return true;
  }

  private decodeName(start: number, end: number): string {
    try {
      return JSON.parse(this.bytes.toString('utf8', start, end)) as string;
    } catch {
      throw jsonError('A member name is malformed.', start, '$');
    }
  }

  private endValue(at: number): boolean {
    let end = at;
    while (end > this.valueStart && isBlank(this.bytes[end - 1]!)) end--;
    if (end === this.valueStart) throw this.wrong('A value is missing.');
    this.at = at;
    if (this.members.length === MAX_MEMBERS) throw this.wrong(`The object has more than ${MAX_MEMBERS} members.`);
    this.members.push({
      name: this.name,
      start: this.nameStart,
      valueStart: this.valueStart,
      end,
      elementStarts: this.starts,
      elementEnds: this.ends,
    });
    this.step = Step.AfterValue;
    return true;
  }

  private wrong(message: string): Error {
    return jsonError(message, this.at, '$');
  }
}
