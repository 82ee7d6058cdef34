export { BothBooks } from './both-books.js';
export { ContentOpener, type ContentKeys } from './content-opener.js';
export { EnvelopeWrapper } from './envelope-wrapper.js';
export { KeyPool, type KeyPoolOptions } from './key-pool.js';
export { LocalWrapper } from './local-wrapper.js';
export type * from './port.js';
export { rewrapAll } from './rewrap-all.js';
export {
  decodeOriginals,
  encodeOriginals,
  newOriginalsKeyPair,
  originalsPairOf,
  OriginalsOpener,
  OriginalsWrapper,
  type KeptOriginals,
  type Original,
} from './originals.js';
export { openSealed, SEAL_BYTES, SealingKey } from './sealing.js';
export { MemoryKeyBook } from './testing/memory-key-book.js';
export { WrapperRing } from './wrapper-ring.js';
