/** An `event: error` that carries a JSON document, for a client that reads a stream already. */
export function errorFrame(document: Buffer): Buffer {
  const lines = document.toString().split(/\r\n|\r|\n/);
  return Buffer.from(`event: error\n${lines.map((line) => `data: ${line}\n`).join('')}\n`);
}
