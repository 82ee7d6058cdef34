import { endsInHalf, everyDisguise, isDisguised, readSign, readSigns } from './disguise.js';

/** Several times as fast as looking for what is not. */
function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/** A text as rules read it. */
export function plainText(text: string): string {
  return isAscii(text) || !isDisguised(text) ? text : readSigns(text);
}

/** Turns pieces into the text rules read, and its offsets back into those of the field. Only for detection: what is released is the original. */
export class Normaliser {
  /** Units of the field so far. */
  length = 0;
  /** Half a pair at the end of the last piece that waits for its other half: counted in `length`, not read yet. */
  private half = '';
  /** Offset in the field of the kept text's first unit, as long as the kept text is the field's own unit for unit. */
  private base = 0;
  /** Offsets in the field where every kept unit begins and ends, from the first on that is not. */
  private starts: number[] | null = null;
  private ends: number[] = [];
  private kept = 0;

  add(piece: string): string {
    const own = this.half + piece;
    const from = this.length - this.half.length;
    this.length += piece.length;
    this.half = endsInHalf(own) ? own.slice(-1) : '';
    return this.read(this.half === '' ? own : own.slice(0, -1), from);
  }

  /** No more pieces follow: what waits is read as it is. */
  flush(): string {
    const rest = this.half;
    this.half = '';
    return this.read(rest, this.length - rest.length);
  }

  private read(own: string, from: number): string {
    const isPlain = isAscii(own) || !isDisguised(own);
    const text = isPlain ? this.straight(own, from) : this.undisguised(own, from);
    this.kept += text.length;
    return text;
  }

  private straight(own: string, from: number): string {
    if (this.starts !== null) this.map(from, own.length);
    return own;
  }

  private map(from: number, count: number): void {
    for (let index = 0; index < count; index++) {
      this.starts?.push(from + index);
      this.ends.push(from + index + 1);
    }
  }

  private undisguised(own: string, from: number): string {
    let isUnitForUnit = true;
    const text = readSigns(own, (sign, read) => (isUnitForUnit &&= read.length === sign.length));
    if (isUnitForUnit) return this.straight(text, from);
    if (this.starts === null) {
      this.starts = [];
      this.ends = [];
      this.map(this.base, this.kept);
    }
    let at = 0;
    for (const { 0: sign, index } of everyDisguise(own)) {
      this.map(from + at, index - at);
      const read = readSign(sign);
      at = index + sign.length;
      if (read.length === sign.length) this.map(from + index, sign.length);
      else if (read !== '') {
        this.starts.push(from + index);
        this.ends.push(from + at);
      }
    }
    this.map(from + at, own.length - at);
    return text;
  }

  /** Offset in the field of kept unit `index`; the end of what is read when there is none. */
  originOf(index: number, textLength: number): number {
    if (index >= textLength) return this.length - this.half.length;
    return this.starts === null ? this.base + index : (this.starts[index] as number);
  }

  /** End in the field of a span that ends before kept unit `index`. */
  endOf(index: number): number {
    return this.starts === null ? this.base + index : (this.ends[index - 1] as number);
  }

  /** Forgets the first `count` kept units. */
  drop(count: number): void {
    this.kept -= count;
    if (this.starts === null) {
      this.base += count;
      return;
    }
    this.starts.splice(0, count);
    this.ends.splice(0, count);
    const first = this.starts[0];
    // Straight again: the end lies as far behind the first unit as when nothing was read otherwise.
    if (first !== undefined && this.length - this.half.length - first === this.kept) {
      this.base = first;
      this.starts = null;
    }
  }
}
