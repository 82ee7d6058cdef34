export { createDetector } from './detector.js';
export { DEFAULT_MIN_SCORE, ENTITY_TYPES, FREE_TEXT_TYPES, isEntityType, type EntityType } from './entity-types.js';
export { canonicalOf, createPlaceholder, createTextMasker, maskText, type MaskedPiece, type TextMasker } from './mask-text.js';
export {
  compilePattern,
  compileRegex,
  MAX_MATCH,
  MAX_PATTERN_LENGTH,
  MAX_PATTERNS,
  MAX_WORD,
  MAX_WORDS,
  MIN_WORD,
  type CompiledPattern,
  type CompiledRegex,
  type PatternSpec,
} from './patterns/compile.js';
export { isSlow } from './patterns/cost.js';
export type * from './port.js';
export { RULES, type RuleInfo } from './rules.js';
