/** Anything rules would see otherwise: full-width forms, other digits, blanks, hyphens, zero-width units. */
const DISGUISED =
  /[\u00a0\u00ad\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u2000-\u2015\u2024\u202f\u205f\u2060-\u2064\u2212\u3000\ufe58\ufe63\ufeff\uff01-\uff5e]/;

const EVERY_DISGUISED = new RegExp(DISGUISED, 'g');
/** Those that are read as nothing. */
const ZERO_WIDTH = /[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]/;

const REMOVED = -1;

/** What a unit is read as: itself, an ASCII unit, or nothing (REMOVED). Always one unit for one, so that offsets map back. */
function plain(code: number): number {
  if (code >= 0xff01 && code <= 0xff5e) return code - 0xfee0;
  if (code >= 0x0660 && code <= 0x0669) return code - 0x0660 + 48;
  if (code >= 0x06f0 && code <= 0x06f9) return code - 0x06f0 + 48;
  if (code >= 0x0966 && code <= 0x096f) return code - 0x0966 + 48;
  if (code === 0x00ad || code === 0xfeff || (code >= 0x200b && code <= 0x200f) || (code >= 0x2060 && code <= 0x2064)) return REMOVED;
  if (code === 0x00a0 || code === 0x202f || code === 0x205f || code === 0x3000 || (code >= 0x2000 && code <= 0x200a)) return 32;
  if ((code >= 0x2010 && code <= 0x2015) || code === 0x2212 || code === 0xfe58 || code === 0xfe63) return 45;
  if (code === 0x2024) return 46;
  return code;
}

/** Several times as fast as looking for what is not. */
function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

function undisguise(piece: string): string {
  return piece.replace(EVERY_DISGUISED, (unit) => String.fromCharCode(plain(unit.charCodeAt(0))));
}

/** Turns pieces into the text rules read, and its offsets back into those of the field. Only for detection: what is released is the original. */
export class Normaliser {
  /** Units of the field so far. */
  length = 0;
  /** Offset in the field of the kept text's first unit, as long as nothing was removed from the kept text. */
  private base = 0;
  /** Offsets in the field of every kept unit, from the first removal on. */
  private origins: number[] | null = null;
  private kept = 0;

  add(piece: string): string {
    const text = isAscii(piece) || !DISGUISED.test(piece) ? this.straight(piece) : this.plainly(piece);
    this.length += piece.length;
    this.kept += text.length;
    return text;
  }

  private plainly(piece: string): string {
    return ZERO_WIDTH.test(piece) ? this.shortened(piece) : this.straight(undisguise(piece));
  }

  private straight(piece: string): string {
    if (this.origins !== null) for (let index = 0; index < piece.length; index++) this.origins.push(this.length + index);
    return piece;
  }

  private shortened(piece: string): string {
    const units: string[] = [];
    const origins = this.origins ?? Array.from({ length: this.kept }, (_, index) => this.base + index);
    for (let index = 0; index < piece.length; index++) {
      const code = plain(piece.charCodeAt(index));
      if (code === REMOVED) continue;
      units.push(String.fromCharCode(code));
      origins.push(this.length + index);
    }
    this.origins = origins;
    return units.join('');
  }

  /** Offset in the field of kept unit `index`; the end of the field when there is none. */
  originOf(index: number, textLength: number): number {
    if (index >= textLength) return this.length;
    return this.origins === null ? this.base + index : (this.origins[index] as number);
  }

  /** End in the field of a span that ends before kept unit `index`. */
  endOf(index: number): number {
    return (this.origins === null ? this.base + index - 1 : (this.origins[index - 1] as number)) + 1;
  }

  /** Forgets the first `count` kept units. */
  drop(count: number): void {
    this.kept -= count;
    if (this.origins === null) this.base += count;
    else {
      this.origins.splice(0, count);
      const first = this.origins[0];
      // Straight again: the last kept unit lies as far behind the first as nothing removed would put it.
      if (first === undefined ? false : this.length - first === this.kept) {
        this.base = first as number;
        this.origins = null;
      }
    }
  }
}
