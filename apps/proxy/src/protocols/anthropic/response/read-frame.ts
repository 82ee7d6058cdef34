import { AffiantError } from '#errors';
import { decodeJsonText, frameData, JsonScanner, type SseFrame, type Steps } from '#wire';
import { LeafCollector, Mode } from '../../shared/leaf-collector.js';
import type { FramedEvent } from '../../shared/response/frame-bytes.js';
import { MESSAGES_WORDS } from '../words.js';

/** An event of the stream, read as far as screening needs. */
export interface StreamEvent extends FramedEvent {
  /** `type` of the data; the event name when the data is no JSON. */
  readonly type: string;
  /** Index of the content block; -1 when the event names none. */
  readonly index: number;
  readonly indexStart: number;
  readonly indexEnd: number;
  readonly deltaType: string;
}

const KNOWN = new Set([
  'message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop', 'error',
]); // prettier-ignore

class EventReader extends LeafCollector {
  type = '';
  deltaType = '';
  index = -1;
  indexStart = -1;
  indexEnd = -1;
  private inDelta = false;

  constructor(bytes: Buffer) {
    super(bytes, Mode.Content, '', MESSAGES_WORDS);
  }

  override open(isArray: boolean, at: number): void {
    if (this.depth === 1) this.inDelta = !isArray && this.currentKey() === 'delta';
    super.open(isArray, at);
  }

  override string(start: number, end: number, escaped: boolean): void {
    super.string(start, end, escaped);
    if (this.depth > 2 || this.currentKey() !== 'type') return;
    if (this.depth === 1) this.type = decodeJsonText(this.bytes, start, end, escaped);
    else if (this.inDelta) this.deltaType = decodeJsonText(this.bytes, start, end, escaped);
  }

  override scalar(start: number, end: number): void {
    super.scalar(start, end);
    if (this.depth !== 1 || this.currentKey() !== 'index') return;
    this.index = Number(this.bytes.toString('latin1', start, end));
    this.indexStart = start;
    this.indexEnd = end;
  }
}

/**
 * Reads one frame. Null for a frame without data: a comment, or an event name alone.
 * @throws AffiantError stream_invalid: a known event whose data is not well-formed JSON
 */
export function* readFrame(frame: SseFrame): Steps<StreamEvent | null> {
  const data = frameData(frame);
  if (data === null || data.length === 0) return null;
  const reader = new EventReader(data);
  try {
    yield* new JsonScanner(data, 0, data.length, reader).steps();
  } catch (error) {
    if (frame.event === null || KNOWN.has(frame.event)) {
      throw new AffiantError('stream_invalid', 'An event of the upstream stream is not well-formed JSON.', { cause: error });
    }
    return { frame, data, type: frame.event, index: -1, indexStart: -1, indexEnd: -1, deltaType: '', leaves: null };
  }
  const { type, index, indexStart, indexEnd, deltaType } = reader;
  const leaves = reader.leaves.filter((leaf) => leaf !== null);
  return { frame, data, type: type === '' ? (frame.event ?? '') : type, index, indexStart, indexEnd, deltaType, leaves };
}
