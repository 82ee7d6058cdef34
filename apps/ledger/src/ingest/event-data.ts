import type { Body, DecodedEvent, Segment } from '#events';

/** Column `data` and the segments of a row. */
export interface EventData {
  /** Fields of the event beside the envelope, in the names of its schema; bodies as a summary, bytes as lower hex. */
  readonly data: object;
  readonly segments: readonly Segment[];
}

const NONE: readonly Segment[] = [];

/** Splits an event into what queries read as fields and what is body content. */
export function eventData(decoded: DecodedEvent): EventData {
  switch (decoded.type) {
    case 'request':
    case 'response': {
      const { envelope: _, body, ...fields } = decoded.event;
      return { data: { ...fields, body: summary(body) }, segments: body.segments };
    }
    case 'segment':
      return { data: { direction: decoded.event.direction }, segments: decoded.event.segments };
    case 'decision':
    case 'control': {
      const { envelope: _, ...fields } = decoded.event;
      return { data: fields, segments: NONE };
    }
    case 'checkpoint': {
      const { envelope: _, root_hash, ...fields } = decoded.event;
      return { data: { ...fields, root_hash: root_hash.toString('hex') }, segments: NONE };
    }
    case 'dead_letter': {
      // The payload stays in the raw bytes: it may be anything, and it may be large.
      const { envelope: _, payload, ...fields } = decoded.event;
      return { data: { ...fields, payload_length: payload.length }, segments: NONE };
    }
  }
}

function summary({ original_digest, original_length, masked_length, complete, masks }: Body): object {
  return { original_digest, original_length, masked_length, complete, masks };
}
