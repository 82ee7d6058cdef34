export { LocalPacketStore } from './local/local-packet-store.js';
export type * from './port.js';
export { S3PacketStore } from './s3/s3-packet-store.js';
