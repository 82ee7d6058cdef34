import { AffiantError } from '#errors';
import { frameData, JsonScanner, type SseFrame, type Steps } from '#wire';
import type { FramedEvent } from '../../shared/response/frame-bytes.js';
import { DocumentReader, type ReadLeaf } from './reader.js';

/** An event of the stream, read as far as screening needs. */
export interface WireEvent extends FramedEvent {
  readonly leaves: readonly ReadLeaf[] | null;
  /** Null when the data is no JSON. */
  readonly reader: DocumentReader | null;
  /** `[DONE]`: the end of a stream of Chat Completions. */
  readonly isDone: boolean;
}

const DONE = '[DONE]';

/**
 * Reads one frame. Null for a frame without data: a comment, or an event name alone.
 * @throws AffiantError stream_invalid: an event of the API whose data is not well-formed JSON
 */
export function* readEvent(frame: SseFrame): Steps<WireEvent | null> {
  const data = frameData(frame);
  if (data === null || data.length === 0) return null;
  if (data.length === DONE.length && data.toString('latin1') === DONE) return { frame, data, leaves: [], reader: null, isDone: true };
  const reader = new DocumentReader(data);
  try {
    yield* new JsonScanner(data, 0, data.length, reader).steps();
  } catch (error) {
    if (frame.event === null || frame.event === 'error' || frame.event.startsWith('response.')) {
      throw new AffiantError('stream_invalid', 'An event of the upstream stream is not well-formed JSON.', { cause: error });
    }
    return { frame, data, leaves: null, reader: null, isDone: false };
  }
  return { frame, data, leaves: reader.readLeaves.filter((leaf) => leaf !== null), reader, isDone: false };
}
