import type { Checkpoint, DeadLetter } from '#events';
import { text } from './bounds.js';
import { OTHER, SEVERITY } from './classes.js';
import type { Facts } from './facts.js';

const MAX_NOTE = 2_048;

/** A signed tree head: what lets a SIEM that keeps the records compare them with the log. */
export function checkpointFacts({ envelope, origin, round, tree_size, root_hash, note, frontiers }: Checkpoint): Facts {
  return {
    class: 'lifecycle',
    activity: OTHER,
    activityName: 'Checkpoint',
    severity: SEVERITY.informational,
    status: 'success',
    message: `checkpoint of ${origin} at tree size ${tree_size}`,
    eventCode: 'checkpoint',
    fields: { app: { name: 'affiant', uid: envelope.source_id, version: envelope.build } },
    unmapped: {
      origin,
      round,
      tree_size,
      root_hash: root_hash.toString('hex'),
      note: text(note, MAX_NOTE),
      sources_count: frontiers.length,
    },
  };
}

/** The bytes that could not be decoded stay in the Avro event; their length is told. */
export function deadLetterFacts({ topic, partition, offset, code, reason, payload }: DeadLetter): Facts {
  return {
    class: 'error',
    activity: 2,
    severity: SEVERITY.high,
    status: 'failure',
    statusCode: code,
    statusDetail: text(reason),
    message: `an event on ${topic} could not be decoded`,
    eventCode: 'dead_letter',
    fields: {},
    unmapped: { topic, partition, offset, payload_length: payload.length },
  };
}
