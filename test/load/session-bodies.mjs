// The requests of a coding agent that works for hours in one session: its system prompt and tools once, then a turn after another, the whole conversation
// resent each time. As Claude Code does, the last message carries the cache mark and loses it in the next turn, so that the client itself changes a message.
const WORDS =
  'const return import function await export string number value result error line file path branch review account region quarter figures total where when the of and to in is it that for not with as on be by this from or are test case commit change table column index query build module'.split(
    ' ',
  );

/** Deterministic numbers in [0, 1): the same session has the same bytes in every run (mulberry32). */
export function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Text like source code: words, some numbers, a line end now and then. */
function text(random, bytes) {
  const parts = [];
  for (let length = 0; length < bytes;) {
    const word = random() < 0.06 ? `${Math.floor(random() * 9_999)}` : WORDS[Math.floor(random() * WORDS.length)];
    const end = random() < 0.1 ? ';\n  ' : ' ';
    parts.push(word, end);
    length += word.length + end.length;
  }
  return parts.join('').slice(0, bytes);
}

function opaque(random, bytes) {
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256))).toString('base64');
}

const between = (random, low, high) => Math.round(low + random() * (high - low));
const MARK = { cache_control: { type: 'ephemeral' } };

/** What is sent with every turn: some 15 kB of system prompt and 60 kB of tools. */
function frame(random) {
  const tools = Array.from({ length: 18 }, (_, i) => ({
    name: `Tool${i}`,
    description: text(random, 2_400),
    input_schema: {
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 5 }, (_p, j) => [`field_${j}`, { type: 'string', description: text(random, 160) }]),
      ),
      required: ['field_0'],
      additionalProperties: false,
    },
  }));
  const system = [
    { type: 'text', text: text(random, 60), ...MARK },
    { type: 'text', text: text(random, 15_000), ...MARK },
  ];
  return { tools, system };
}

/**
 * A session: `next()` gives the request of the next turn. A turn adds the model's thinking, words and tool call, and a tool result of 2 to 20 kB.
 * @returns {{next(): Buffer}}
 */
export function conversation(seed, salt) {
  const random = numbers(seed);
  const { tools, system } = frame(random);
  const tail = `],"system":${JSON.stringify(system)},"tools":${JSON.stringify(tools)},"metadata":{"user_id":"user_bench_session_${salt}"},"max_tokens":32000,"stream":true,"thinking":{"type":"enabled","budget_tokens":16000}}`;
  const head = Buffer.from('{"model":"bench-stream","messages":[');
  const end = Buffer.from(tail);
  const settled = [];
  let last = { type: 'text', text: `[${salt}] ${text(random, 600)}` };
  const user = (block, mark) => Buffer.from(JSON.stringify({ role: 'user', content: [{ ...block, ...(mark ? MARK : {}) }] }));
  let turn = 0;
  return {
    next() {
      if (turn > 0) {
        const id = `toolu_${salt}_${turn}`;
        const said = [
          { type: 'thinking', thinking: text(random, between(random, 200, 1_500)), signature: opaque(random, between(random, 250, 700)) },
          { type: 'text', text: text(random, between(random, 40, 300)) },
          { type: 'tool_use', id, name: `Tool${turn % 18}`, input: { field_0: text(random, between(random, 60, 600)) } },
        ];
        const comma = Buffer.from(',');
        settled.push(user(last, false), comma, Buffer.from(JSON.stringify({ role: 'assistant', content: said })), comma);
        last = { type: 'tool_result', tool_use_id: id, content: text(random, between(random, 2_000, 20_000)) };
      }
      turn += 1;
      return Buffer.concat([head, ...settled, user(last, true), end]);
    },
  };
}
