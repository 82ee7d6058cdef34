import { AffiantError } from '#errors';
import { decodeJsonText, type JsonHandler } from '#wire';
import type { Leaf } from '../../mask/leaf.js';

/** How the strings below a container are to be taken. */
export const enum Mode {
  /** Content: every string but those the wire format gives a meaning of its own. */
  Content,
  /** Input of a tool: every string and every longer number, read with its member name. */
  ToolInput,
  /** A JSON schema of a tool: descriptions and examples, not the schema's own words. */
  Schema,
  /** Nothing: opaque to us, or signed. */
  Opaque,
}

/** What the member names of a wire format mean. */
export interface LeafWords {
  /** Members of content that carry no free text: names, ids, opaque data. Never rewritten, so never scanned. */
  readonly contentNever: ReadonlySet<string>;
  /** Nothing below these is read. */
  readonly opaqueBelow: ReadonlySet<string>;
  /** Input of a tool, as JSON. */
  readonly inputBelow: ReadonlySet<string>;
  /** Schema of a tool or of an output. */
  readonly schemaBelow: ReadonlySet<string>;
  /**
   * Blocks and deltas whose bytes a signature covers. By type, not by the presence of a `signature` member: a caller could add one to any block to
   * get a value past the scan. A signed block of a type that is not known here is scanned, and a change in it shows as an upstream refusal.
   */
  readonly signedTypes: ReadonlySet<string>;
  /** Type of a block -> the member of it that holds binary data in base64. */
  readonly dataOf: ReadonlyMap<string, string>;
  /** Members that may hold binary data in a text form (a data URL), which is told by the beginning of the text. */
  readonly dataMembers?: ReadonlySet<string>;
  readonly isData?: (key: string, head: string) => boolean;
}

const NONE: ReadonlySet<string> = new Set();
/** For places in which no member name has a meaning: the input of a tool. */
export const NO_WORDS: LeafWords = {
  contentNever: NONE,
  opaqueBelow: NONE,
  inputBelow: NONE,
  schemaBelow: NONE,
  signedTypes: NONE,
  dataOf: new Map(),
};

const SCHEMA_NEVER = new Set(['type', 'name', '$ref', '$schema', '$id', '$anchor', 'format', 'pattern', 'required', 'contentEncoding']);
const MAX_LEAVES = 262_144;
const SHORTEST_NUMBER = 7;
const LONGEST_TYPE = 40;
/** Bytes of a string that tell whether it is a data URL. */
const DATA_HEAD = 128;

/** A leaf with what the caller must know of its place. Depth counts the containers open around it. */
export interface PlacedLeaf extends Leaf {
  readonly key: string;
  readonly depth: number;
  readonly inToolInput: boolean;
}

/** A container on the way, with what is known of it so far. */
interface Level {
  readonly isArray: boolean;
  readonly mode: Mode;
  /** Member under way; for an array the member it belongs to. */
  key: string;
  /** Leaves found before this container began: a signed block drops back to there. */
  readonly mark: number;
  typed: string;
  /** Members that hold data in blocks of some type, with their leaves. */
  data: { readonly key: string; readonly leaf: number }[] | null;
}

/**
 * Finds the string values of content that may be rewritten. Signed blocks, encrypted and base64 data, ids and names are left out. Whether a block is signed is known at its end only, so its leaves are taken back then.
 */
export class LeafCollector implements JsonHandler {
  readonly leaves: (PlacedLeaf | null)[] = [];
  private readonly levels: Level[] = [];
  private readonly dataKeys: ReadonlySet<string>;

  constructor(
    protected readonly bytes: Buffer,
    private readonly rootMode: Mode,
    private readonly rootKey: string,
    private readonly words: LeafWords,
  ) {
    this.dataKeys = dataKeysOf(words);
  }

  get depth(): number {
    return this.levels.length;
  }

  open(isArray: boolean, _at: number): void {
    const mode = this.childMode();
    this.levels.push({
      isArray,
      mode,
      key: isArray ? this.currentKey() : '',
      mark: this.leaves.length,
      typed: '',
      data: null,
    });
  }

  key(name: string): void {
    this.levels.at(-1)!.key = name;
  }

  string(start: number, end: number, escaped: boolean): void {
    const level = this.levels.at(-1);
    const mode = level?.mode ?? this.rootMode;
    const key = this.currentKey();
    if (mode === Mode.Content && level !== undefined && !level.isArray) this.note(level, key, start, end, escaped);
    if (start === end || !this.isFreeText(mode, key)) return;
    if (mode === Mode.Content && this.words.dataMembers?.has(key) === true && this.isData(key, start, end)) return;
    this.add(start, end, escaped, false, mode, key);
    if (this.dataKeys.has(key) && level !== undefined) (level.data ??= []).push({ key, leaf: this.leaves.length - 1 });
  }

  scalar(start: number, end: number): void {
    const mode = this.levels.at(-1)?.mode ?? this.rootMode;
    const first = this.bytes[start]!;
    if (mode === Mode.ToolInput && end - start >= SHORTEST_NUMBER && (first <= 0x39 || first === 0x2d)) {
      this.add(start, end, false, true, mode, this.currentKey());
    }
  }

  close(_isArray: boolean, _end: number): void {
    const level = this.levels.pop()!;
    if (level.isArray || level.mode !== Mode.Content) return;
    if (this.words.signedTypes.has(level.typed)) this.leaves.length = Math.min(this.leaves.length, level.mark);
    else if (level.data !== null) {
      const member = this.words.dataOf.get(level.typed);
      for (const { key, leaf } of level.data) if (key === member) this.leaves[leaf] = null;
    }
  }

  private isData(key: string, start: number, end: number): boolean {
    return this.words.isData?.(key, this.bytes.toString('latin1', start, Math.min(end, start + DATA_HEAD))) === true;
  }

  private note(level: Level, key: string, start: number, end: number, escaped: boolean): void {
    if (key === 'type' && end - start <= LONGEST_TYPE) level.typed = decodeJsonText(this.bytes, start, end, escaped);
  }

  /** Bounded: a hostile body of millions of one-letter strings must not fill the memory. */
  private add(start: number, end: number, escaped: boolean, isNumber: boolean, mode: Mode, key: string): void {
    const inToolInput = mode === Mode.ToolInput;
    if (this.leaves.length >= MAX_LEAVES) {
      throw new AffiantError('body_invalid', 'One message holds too many strings.', { where: `byte ${start}, more than ${MAX_LEAVES}` });
    }
    this.leaves.push({ start, end, escaped, isNumber, label: inToolInput ? key : null, key, depth: this.levels.length, inToolInput });
  }

  protected currentKey(): string {
    return this.levels.at(-1)?.key ?? this.rootKey;
  }

  private childMode(): Mode {
    const level = this.levels.at(-1);
    const mode = level?.mode ?? this.rootMode;
    if (mode !== Mode.Content || (level !== undefined && level.isArray) || level === undefined) return mode;
    const { key } = level;
    const { words } = this;
    if (words.opaqueBelow.has(key)) return Mode.Opaque;
    if (words.inputBelow.has(key)) return Mode.ToolInput;
    return words.schemaBelow.has(key) ? Mode.Schema : mode;
  }

  private isFreeText(mode: Mode, key: string): boolean {
    if (mode === Mode.Content) return !this.words.contentNever.has(key);
    if (mode === Mode.Schema) return !SCHEMA_NEVER.has(key);
    return mode === Mode.ToolInput;
  }
}

const keysOfWords = new WeakMap<LeafWords, ReadonlySet<string>>();

function dataKeysOf(words: LeafWords): ReadonlySet<string> {
  let keys = keysOfWords.get(words);
  if (keys === undefined) {
    keys = new Set(words.dataOf.values());
    keysOfWords.set(words, keys);
  }
  return keys;
}
