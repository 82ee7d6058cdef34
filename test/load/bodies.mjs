// Request bodies of the load tests: a conversation of ~2 kB turns that grows to the wanted size.
const sentence = 'Please compare the quarterly figures of the branch with those of the region and say where they differ, in short words. ';

/** Stands for the number of the call in each turn that is new: as long as numbers are made (`renew`). */
const COUNTER = '#00000000';

/**
 * @param {{model: string, stream: boolean, bytes: number, salt: string, fresh: boolean}} spec
 *   fresh: every turn is new (first sight); else only the last turn differs, as in a growing conversation.
 */
export function body({ model, stream, bytes, salt, fresh }) {
  const messages = [];
  const turns = Math.max(1, Math.round(bytes / 2048));
  for (let i = 0; i < turns; i += 1) {
    const last = i === turns - 1;
    const mark = fresh || last ? `[${salt}-${COUNTER}-${i}] ` : `[turn ${i}] `;
    const size = last ? Math.max(64, bytes - 150 - messages.length * 2048) : 2000;
    const text = (mark + sentence.repeat(Math.ceil(size / sentence.length))).slice(0, Math.min(size, 2000));
    messages.push({ role: i % 2 === 0 ? 'user' : 'assistant', content: text });
  }
  return Buffer.from(JSON.stringify({ model, max_tokens: 1024, stream, messages }));
}

/** Makes bodies of one that was made by `body`: each time it is called what is new in it is new once more. It is the same buffer, changed. */
export function renewing(bytes) {
  const places = [];
  for (let at = bytes.indexOf(COUNTER); at !== -1; at = bytes.indexOf(COUNTER, at + 1)) places.push(at + 1);
  return (number) => {
    const digits = String(number).padStart(COUNTER.length - 1, '0');
    for (const at of places) bytes.write(digits, at, 'latin1');
    return bytes;
  };
}
