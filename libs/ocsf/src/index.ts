export { toOcsf, type OcsfInput } from './map-event.js';
export { OCSF_TOPIC, OCSF_VERSION, ocsfRecord, type OcsfRecord } from './record.js';
export type { OcsfEvent, OcsfObject, OcsfValue } from './ocsf-event.js';
