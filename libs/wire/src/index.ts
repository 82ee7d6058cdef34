export { outlineObject, type OutlineMember } from './json-outline.js';
export { JsonScanner, type JsonHandler } from './json-scanner.js';
export { decodeJsonText, encodeJsonText, jsonTextBoundary, JsonTextOffsets } from './json-text.js';
export { Slices } from './slices.js';
export { splice, spliceRange, type Edit } from './splice.js';
export { frameData, rawOffset, SseParser, type DataLine, type SseFrame } from './sse-parser.js';
export { requireUtf8, utf8Boundary } from './utf8.js';
