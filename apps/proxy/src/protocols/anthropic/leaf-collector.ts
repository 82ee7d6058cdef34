import { AffiantError } from '#errors';
import type { Leaf } from '../../mask/leaf.js';
import { decodeJsonText, type JsonHandler } from '#wire';

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

/** Members of content that carry no free text: names, ids, opaque data (research/wire.md §2). Never rewritten, so never scanned. */
const CONTENT_NEVER = new Set([
  'type', 'role', 'id', 'name', 'model', 'media_type', 'signature', 'tool_use_id', 'tool_name', 'server_name', 'file_id', 'container_id',
  'request_id', 'encrypted_content', 'encrypted_index', 'stop_reason', 'stop_sequence', 'authorization_token', 'ttl', 'service_tier',
]); // prettier-ignore
const SCHEMA_NEVER = new Set(['type', 'name', '$ref', '$schema', '$id', '$anchor', 'format', 'pattern', 'required', 'contentEncoding']);
const OPAQUE_BELOW = new Set(['cache_control', 'usage', 'encrypted_content']);
const INPUT_BELOW = new Set(['input']);
const SCHEMA_BELOW = new Set(['input_schema', 'output_schema', 'schema']);
/**
 * Blocks and deltas whose bytes a signature covers. By type, not by the presence of a `signature` member: a caller could add one to any block to
 * get a value past the scan. A signed block of a type that is not known here is scanned, and a change in it shows as an upstream refusal.
 */
const SIGNED_TYPES = new Set(['thinking', 'redacted_thinking', 'thinking_delta', 'signature_delta']);
const MAX_LEAVES = 262_144;
const SHORTEST_NUMBER = 7;
const LONGEST_TYPE = 40;

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
  dataLeaf: number;
}

/**
 * Finds the string values of Messages content that may be rewritten. Thinking blocks, signed blocks, encrypted and base64 data, ids and names
 * are left out. Whether a block is signed is known at its end only, so its leaves are taken back then.
 */
export class LeafCollector implements JsonHandler {
  readonly leaves: (PlacedLeaf | null)[] = [];
  private readonly levels: Level[] = [];

  constructor(
    protected readonly bytes: Buffer,
    private readonly rootMode: Mode,
    private readonly rootKey: string,
  ) {}

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
      dataLeaf: -1,
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
    if (start === end || !isFreeText(mode, key)) return;
    this.add(start, end, escaped, false, mode, key);
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
    if (SIGNED_TYPES.has(level.typed)) this.leaves.length = Math.min(this.leaves.length, level.mark);
    else if (level.typed === 'base64' && level.dataLeaf !== -1) this.leaves[level.dataLeaf] = null;
  }

  private note(level: Level, key: string, start: number, end: number, escaped: boolean): void {
    if (key === 'type' && end - start <= LONGEST_TYPE) {
      level.typed = decodeJsonText(this.bytes, start, end, escaped);
    } else if (key === 'data') level.dataLeaf = this.leaves.length;
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
    if (OPAQUE_BELOW.has(key)) return Mode.Opaque;
    if (INPUT_BELOW.has(key)) return Mode.ToolInput;
    return SCHEMA_BELOW.has(key) ? Mode.Schema : mode;
  }
}

function isFreeText(mode: Mode, key: string): boolean {
  if (mode === Mode.Content) return !CONTENT_NEVER.has(key);
  if (mode === Mode.Schema) return !SCHEMA_NEVER.has(key);
  return mode === Mode.ToolInput;
}
