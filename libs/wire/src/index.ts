export { outlineObject, type OutlineMember, type TakenOut } from './json-outline.js';
export { JsonScanner, type JsonHandler } from './json-scanner.js';
export { decodeJsonText, encodeJsonText, jsonTextBoundary, JsonTextOffsets } from './json-text.js';
export { run, runInSlices, Slices, type Budget, type Steps } from './slices.js';
export { concatSteps, splice, spliceRange, spliceSteps, type Edit } from './splice.js';
export { frameData, rawOffset, SseParser, type DataLine, type SseFrame } from './sse-parser.js';
export { turns, Turns } from './turns.js';
export { isUtf8Steps, requireUtf8, utf8Boundary } from './utf8.js';
