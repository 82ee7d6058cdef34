export { LocalPacketStore } from './local/local-packet-store.js';
export type * from './port.js';
