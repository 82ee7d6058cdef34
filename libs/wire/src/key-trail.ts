import { plainName } from './member-names.js';

const SMALL = 8;
/** Bound against hostile bodies: names are kept to find doubles. */
const MAX_MEMBERS = 65_536;

/** Where a scanner stands: the containers open around it, their member names (to find doubles) and the path in words. */
export class KeyTrail {
  depth = 0;
  inArray = false;
  private readonly arrays: boolean[] = [];
  private readonly names: string[][] = [];
  private readonly sets: (Set<string> | null)[] = [];
  private readonly indexes: number[] = [];

  constructor(private readonly maxDepth: number) {}

  /** @returns false when that is too deep. */
  open(isArray: boolean): boolean {
    if (this.depth === this.maxDepth) return false;
    const level = this.depth++;
    this.arrays[level] = isArray;
    this.indexes[level] = 0;
    this.sets[level] = null;
    if (!isArray) this.names[level] = [];
    this.inArray = isArray;
    return true;
  }

  close(): void {
    this.depth--;
    this.inArray = this.depth > 0 && this.arrays[this.depth - 1]!;
  }

  nextElement(): void {
    this.indexes[this.depth - 1]!++;
  }

  /** @returns what is wrong with another member of that name, or null. */
  addKey(name: string): 'twice' | 'too many' | null {
    const level = this.depth - 1;
    const names = this.names[level]!;
    const set = this.sets[level];
    if (set) {
      if (set.has(name)) return 'twice';
      if (set.size === MAX_MEMBERS) return 'too many';
      set.add(name);
      names[0] = name;
      return null;
    }
    if (names.includes(name)) return 'twice';
    names.unshift(name);
    if (names.length > SMALL) this.sets[level] = new Set(names);
    return null;
  }

  /** Decoded member name; null when it is not a JSON string. */
  name(bytes: Buffer, start: number, end: number, escaped: boolean): string | null {
    if (!escaped) {
      const name = plainName(bytes, start, end);
      if (name !== null) return name;
    }
    try {
      return JSON.parse(bytes.toString('utf8', start - 1, end + 1)) as string;
    } catch {
      return null;
    }
  }

  /** RFC 9535-like: `$.messages[3].content`. Only plain words are shown: other names may be anything, even a value. */
  path(): string {
    let path = '$';
    for (let level = 0; level < this.depth; level++) {
      if (this.arrays[level]) path += `[${this.indexes[level]}]`;
      else {
        const name = this.names[level]?.[0];
        if (name !== undefined)
          path += /^[A-Za-z_]{1,40}$/.test(name) ? `.${name}` : `.(member ${this.sets[level]?.size ?? this.names[level]!.length})`;
      }
    }
    return path;
  }
}
