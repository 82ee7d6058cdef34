export { newestToStamp, openStamps } from './open-stamps.js';
export { StampLoop } from './stamp-loop.js';
export type { AuthorityHealth, StampHealth, StampPorts } from './ports.js';
