// Bodies for the turns of the event loop: what agents send, and what somebody sends who wants the others to wait.
import { body } from './bodies.mjs';

const MB = 1_000_000;
const SENTENCE =
  'The review of the account went through without remarks; see "final". Next: call the branch at 9 on 12 March, fees 1,250.00.\n';
const ssn = (i) => `${200 + (i % 400)}-${10 + (i % 89)}-${1000 + (i % 8999)} `;

/** A request around raw JSON content, whose model tells the upstream what to answer. */
const around = (content, salt, model = 'turn-small') =>
  Buffer.from(`{"model":"${model}","max_tokens":9,"metadata":{"user_id":"${salt}"},"messages":[{"role":"user","content":${content}}]}`);
const text = (content) => JSON.stringify(content);

/** Name -> (salt) => request body. `refused`: the gateway may answer 400, which also must not hold the loop. */
export const REQUESTS = {
  '4 kB': { make: (salt) => body({ model: 'turn-small', stream: false, bytes: 4096, salt, fresh: true }), session: true },
  '200 kB': { make: (salt) => body({ model: 'turn-small', stream: false, bytes: 200_000, salt, fresh: true }), session: true },
  '2 MB': { make: (salt) => body({ model: 'turn-small', stream: false, bytes: 2 * MB, salt, fresh: true }), session: true },
  '32 MB': { make: (salt) => body({ model: 'turn-small', stream: false, bytes: 32 * MB, salt, fresh: true }), session: true },
  '32 MB in one string': { make: (salt) => around(text(salt + SENTENCE.repeat((31 * MB) / 128)), salt) },
  '32 MB in one base64 image': {
    make: (salt) =>
      around(`[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${'QUJD'.repeat(7.9 * MB)}"}}]`, salt),
  },
  '32 MB of escaped quotes': { make: (salt) => around(`"${salt}${'\\"'.repeat(15.9 * MB)}"`, salt) },
  '32 MB of unicode escapes': { make: (salt) => around(`"${salt}${'\\u00e9'.repeat(5.2 * MB)}"`, salt) },
  '32 MB of emoji': { make: (salt) => around(`"${salt}${'\u{1f600}'.repeat(7.9 * MB)}"`, salt) },
  '0.6 MB of values': { make: (salt) => around(text(salt + Array.from({ length: 40_000 }, (_, i) => ssn(i)).join('')), salt) },
  '260,000 tiny strings': { make: (salt) => around(`[${'"a b",'.repeat(260_000)}"${salt}"]`, salt) },
  '32 MB of tiny strings': { make: (salt) => around(`[${'"a b",'.repeat(5.2 * MB)}"${salt}"]`, salt), refused: true },
  '32 MB of tiny messages': {
    make: (salt) => Buffer.from(`{"model":"turn-small","metadata":{"user_id":"${salt}"},"messages":[${'"a b",'.repeat(5.2 * MB)}"x"]}`),
    refused: true,
  },
  '32 MB of numbers': { make: (salt) => around(`[${'1,'.repeat(15.8 * MB)}1]`, salt) },
  '32 MB of blanks': { make: (salt) => around(`[${' '.repeat(31.8 * MB)}1]`, salt) },
  '32 MB of brackets': { make: (salt) => around('['.repeat(31.8 * MB), salt), refused: true },
  '16 MB of shallow arrays': { make: (salt) => around(`[${'[[]],'.repeat(3.2 * MB)}1]`, salt) },
  '60,000 members': { make: (salt) => around(`{${Array.from({ length: 60_000 }, (_, i) => `"member ${i}":1`).join(',')}}`, salt) },
  '8,000 blocks of 4 kB': {
    make: (salt) =>
      around(
        `[${Array.from({ length: 7_600 }, (_, i) => `{"type":"text","text":${text(`${salt} ${i} ${SENTENCE.repeat(31)}`)}}`).join(',')}]`,
        salt,
      ),
  },
};

const message = (content) =>
  `{"id":"msg_turn","type":"message","role":"assistant","model":"turn","content":${content},"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":150}}`;
const event = (name, data) => `event: ${name}\ndata: ${data}\n\n`;
const stream = (deltas) =>
  event('message_start', `{"type":"message_start","message":${message('[]')}}`) +
  event('content_block_start', '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}') +
  deltas
    .map((words) =>
      event('content_block_delta', `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${text(words)}}}`),
    )
    .join('') +
  event('content_block_stop', '{"type":"content_block_stop","index":0}') +
  event('message_delta', '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":25}}') +
  event('message_stop', '{"type":"message_stop"}');
const JSON_TYPE = 'application/json';
const SSE = 'text/event-stream';
const words = (bytes) => SENTENCE.repeat(Math.ceil(bytes / SENTENCE.length));

/** Name -> answer of the upstream to a request whose model is `turn-<name>`. */
export const ANSWERS = {
  small: { type: JSON_TYPE, make: () => message('[{"type":"text","text":"It went well."}]') },
  'json 200 kB': { type: JSON_TYPE, make: () => message(`[{"type":"text","text":${text(words(200_000))}}]`) },
  'json 2 MB': {
    type: JSON_TYPE,
    make: () => message(`[${Array.from({ length: 20 }, () => `{"type":"text","text":${text(words(100_000))}}`).join(',')}]`),
  },
  'json 8 MB in one string': { type: JSON_TYPE, make: () => message(`[{"type":"text","text":${text(words(8 * MB))}}]`) },
  'json 30 MB': {
    type: JSON_TYPE,
    make: () => message(`[${Array.from({ length: 300 }, () => `{"type":"text","text":${text(words(98_000))}}`).join(',')}]`),
  },
  'json 1 MB of values': {
    type: JSON_TYPE,
    make: () => message(`[{"type":"text","text":${text(Array.from({ length: 80_000 }, (_, i) => ssn(i)).join(''))}}]`),
  },
  'json 2 MB tool input': {
    type: JSON_TYPE,
    make: () => message(`[{"type":"tool_use","id":"toolu_1","name":"write","input":{"path":"a","content":${text(words(2 * MB))}}}]`),
  },
  'json 260,000 strings': {
    type: JSON_TYPE,
    make: () => message(`[{"type":"server_tool_result","content":[${'"a b",'.repeat(250_000)}"x"]}]`),
  },
  'stream 2 MB, small deltas': { type: SSE, make: () => stream(Array.from({ length: 16_000 }, () => SENTENCE)) },
  'stream 16 MB, 64 kB deltas': { type: SSE, make: () => stream(Array.from({ length: 240 }, () => words(64_000))) },
  'stream 8 MB in one delta': { type: SSE, make: () => stream([words(8 * MB)]) },
  'stream 1 MB of values': {
    type: SSE,
    make: () => stream(Array.from({ length: 800 }, (_, j) => Array.from({ length: 100 }, (_n, i) => ssn(i + j)).join(''))),
  },
  'stream 2 MB tool input': {
    type: SSE,
    make: () =>
      event('message_start', `{"type":"message_start","message":${message('[]')}}`) +
      event(
        'content_block_start',
        '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"write","input":{}}}',
      ) +
      [`{"path":"a","content":"`, ...Array.from({ length: 2_000 }, () => words(1_000).replaceAll('"', '\\"').replaceAll('\n', '\\n')), '"}']
        .map((part) =>
          event(
            'content_block_delta',
            `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":${text(part)}}}`,
          ),
        )
        .join('') +
      event('content_block_stop', '{"type":"content_block_stop","index":0}') +
      event(
        'message_delta',
        '{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":25}}',
      ) +
      event('message_stop', '{"type":"message_stop"}'),
  },
  'bytes 16 MB error': { type: 'text/html', status: 502, make: () => `<html>${words(16 * MB)}</html>` },
};
