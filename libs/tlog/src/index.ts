export { formatTreeHead, openCheckpoint, parseTreeHead, readCheckpoint, signCheckpoint, type TreeHead } from './checkpoint.js';
export { cosign, cosignedMessage, cosignerKey, type CosignerKey } from './cosignature.js';
export { cosignedPath, FileCosignedStore, MemoryCosignedStore, S3CosignedStore } from './cosigned-stores.js';
export { FileCheckpointStore } from './file-checkpoint-store.js';
export { FileTileStore } from './file-tile-store.js';
export { EMPTY_ROOT, leafHash, nodeHash } from './hashing.js';
export { controlLeafType } from './control-leaf.js';
export { decodeLeaf, encodeLeaf, LEAF_BYTES, LEAF_TYPES, type Leaf, type LeafType } from './leaf.js';
export { PostgresCheckpointStore, type PostgresCheckpointStoreOptions } from './postgres-checkpoint-store.js';
export { MemoryCheckpointStore, MemoryTileStore } from './memory-stores.js';
export {
  checkSignatures,
  noteKey,
  openNote,
  parseNote,
  signNote,
  type NoteKey,
  type NoteSignature,
  type OpenNote,
  type ParsedNote,
} from './note.js';
export { parseTrustPolicy } from './parse-trust-policy.js';
export { verifyConsistency, verifyInclusion } from './proof.js';
export { recomputeRoot, RootBuilder } from './recompute-root.js';
export { S3TileStore } from './s3/s3-tile-store.js';
export { bundlePath, isTilePath, joinBundle, splitBundle, splitTile, TILE_WIDTH, tilePath, tileWidth } from './tile-path.js';
export { TileTree } from './tile-tree.js';
export { formatTlogProof, parseTlogProof, verifyTlogProof, type TlogProof } from './tlog-proof.js';
export { TreeEdge, type Extension, type TileFile } from './tree-edge.js';
export {
  checkNote,
  isQuorum,
  readNote,
  type CheckedNote,
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
  type TrustPolicy,
} from './trust-policy.js';
export type * from './port.js';
