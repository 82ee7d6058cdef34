const NEWLINE = 10;

/**
 * The complete lines of each chunk, without their ends, empty ones left out; at the end what has none. A line may reach over any number of chunks.
 * What is yielded is read before the next chunk is asked for: its memory may be used again.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<readonly Buffer[]> {
  let begun: Buffer[] = [];
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      const line = bytes.subarray(from, end);
      from = end + 1;
      const whole = begun.length === 0 ? line : Buffer.concat([...begun, line]);
      begun = [];
      if (whole.length > 0) lines.push(whole);
    }
    if (from < bytes.length) begun.push(Buffer.from(bytes.subarray(from)));
    if (lines.length > 0) yield lines;
  }
  if (begun.length > 0) yield [Buffer.concat(begun)];
}
