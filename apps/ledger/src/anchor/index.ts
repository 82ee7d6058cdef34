export { AnchorLoop } from './anchor-loop.js';
export { openAnchor } from './open-anchor.js';
export { WitnessClient, type WitnessClientOptions } from './witness-client.js';
export type { AnchorHealth, AnchorPorts, CosignRequest, WitnessHealth, WitnessPort } from './ports.js';
