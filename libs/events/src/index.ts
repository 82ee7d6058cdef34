export { SystemClock, SystemIds, type Clock, type Ids } from './clock.js';
export { EventCodec, payloadHash, type DecodedEvent } from './codec.js';
export { madeAtMs } from './made-at.js';
export { isoMicro, microsOf } from './instants.js';
export { SYSTEM_CONTEXT, type EventContext, type EventDraft, type EventRecorder, type EventType, type Receipt } from './recorder.js';
export { loadSchemas, type RegisteredSchema } from './schemas.js';
export { ALL_TOPICS, LEDGER_TOPICS, TOPICS, type Topic } from './topics.js';
export type * from './types.js';
