export { createDetector } from './detector.js';
export { ENTITY_TYPES, isEntityType, type EntityType } from './entity-types.js';
export { createPlaceholder, createTextMasker, maskText, type MaskedPiece, type TextMasker } from './mask-text.js';
export {
  compilePattern,
  compileRegex,
  MAX_MATCH,
  MAX_PATTERN_LENGTH,
  MAX_PATTERNS,
  type CompiledPattern,
  type PatternSpec,
} from './patterns/compile.js';
export type * from './port.js';
