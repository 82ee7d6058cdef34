/** The string does not end inside the range. */
export const UNTERMINATED = -1;
/** The work budget of one call is used up: call `resume()`. */
export const SUSPENDED = -2;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HOPS_PER_CALL = 2_048;
const BYTES_PER_CALL = 1 << 17;
const LONGEST_RUN = 1_024;

/**
 * Finds where JSON strings end by hopping from quote to quote with memchr, looking at backslashes only when one stands before a
 * quote. Bounded work per call, so that a hostile string (megabytes of `\"` or of backslashes) does not hold the event loop.
 */
export class StringHopper {
  private start = 0;
  private at = 0;
  private byteWise = false;
  private backslash = -1;

  private readonly bytes: Buffer;

  /** Looks no further than `limit`: what follows may be megabytes without a backslash, which each value would search again. */
  constructor(
    bytes: Buffer,
    private readonly limit: number,
  ) {
    this.bytes = limit === bytes.length ? bytes : bytes.subarray(0, limit);
  }

  /** Index of the closing quote of the string whose first content byte is at `from`; or UNTERMINATED, or SUSPENDED. */
  find(from: number): number {
    this.start = from;
    this.at = from;
    this.byteWise = false;
    return this.resume();
  }

  resume(): number {
    return this.byteWise ? this.step() : this.hop();
  }

  /** True when the string [start, end) holds a backslash. Only for ascending ranges. */
  hasEscape(start: number, end: number): boolean {
    if (this.backslash < start) {
      const next = this.bytes.indexOf(BACKSLASH, start);
      this.backslash = next === -1 ? Number.MAX_SAFE_INTEGER : next;
    }
    return this.backslash < end;
  }

  private hop(): number {
    const { bytes, limit } = this;
    for (let hops = 0; hops < HOPS_PER_CALL; hops++) {
      const quote = bytes.indexOf(QUOTE, this.at);
      if (quote === -1 || quote >= limit) return UNTERMINATED;
      if (quote === this.start || bytes[quote - 1] !== BACKSLASH) return quote;
      let run = 1;
      while (run <= LONGEST_RUN && quote - 1 - run >= this.start && bytes[quote - 1 - run] === BACKSLASH) run++;
      if (run > LONGEST_RUN) {
        this.byteWise = true;
        this.at = this.start;
        return SUSPENDED;
      }
      if ((run & 1) === 0) return quote;
      this.at = quote + 1;
    }
    return SUSPENDED;
  }

  private step(): number {
    const { bytes, limit } = this;
    const stop = Math.min(limit, this.at + BYTES_PER_CALL);
    let at = this.at;
    for (; at < stop; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
    }
    this.at = at;
    return at >= limit ? UNTERMINATED : SUSPENDED;
  }
}
