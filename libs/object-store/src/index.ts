export { ObjectStore, type PutOnce } from './object-store.js';
export { openObjectStore } from './open-object-store.js';
export type { ObjectStoreOptions } from './options.js';
