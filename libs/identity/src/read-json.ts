import { get as httpGet, type IncomingMessage } from 'node:http';
import type { FetchLike } from './issuer-document.js';

/** Largest document read from an issuer, bytes. */
const DOCUMENT_BYTES = 1024 * 1024;

/** GET without following redirects. Not the global fetch: that loads a second HTTP client and parser for two requests in ten minutes. */
export const readJson: FetchLike = async (url, { signal }) => {
  const get = url.startsWith('https:') ? (await import('node:https')).get : httpGet;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { signal, headers: { accept: 'application/json, application/jwk-set+json' } }, resolve).on('error', reject);
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Leaving the loop destroys the answer and its connection.
    if (length > DOCUMENT_BYTES) throw new Error(`the answer is larger than ${DOCUMENT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return { status: answer.statusCode ?? 0, json: async () => JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown };
};
