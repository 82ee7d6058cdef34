import { AffiantError } from '#errors';
import type { Signer } from '#signing';
import { decodeBase64, openNote, parseNote, signNote } from './note.js';

/** Signed tree head (C2SP tlog-checkpoint). Extension lines are refused: we write none and witnesses do not cover them. */
export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Buffer;
}

/** Note text: origin, size, base64 root, each on its line. */
export function formatTreeHead({ origin, size, root }: TreeHead): string {
  const text = `${origin}\n${size}\n${root.toString('base64')}\n`;
  parseTreeHead(text);
  return text;
}

/** @throws AffiantError note_invalid */
export function parseTreeHead(text: string): TreeHead {
  const lines = text.split('\n');
  if (lines.length !== 4 || lines[3] !== '') throw invalid('a checkpoint has three lines');
  const [origin, size, hash] = lines as [string, string, string, string];
  const root = decodeBase64(hash);
  if (origin === '') throw invalid('the origin is empty');
  if (!/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size))) throw invalid('the tree size is malformed');
  if (root === null || root.length !== 32) throw invalid('the root hash is malformed');
  return { origin, size: Number(size), root };
}

/** Signed note over the tree head: a pure function of head and key. */
export async function signCheckpoint(head: TreeHead, signers: readonly Signer[]): Promise<string> {
  return signNote(formatTreeHead(head), signers);
}

/** Tree head of a note that a trusted key of that origin has signed. @throws AffiantError note_invalid, key_invalid */
export function openCheckpoint(note: string | Uint8Array, vkeys: readonly string[]): TreeHead {
  const { text, signers } = openNote(note, vkeys);
  const head = parseTreeHead(text);
  if (!signers.some((signer) => signer.name === head.origin)) throw invalid('the checkpoint is not signed by its origin');
  return head;
}

/** Tree head of a note, signatures not looked at. @throws AffiantError note_invalid */
export function readCheckpoint(note: string | Uint8Array): TreeHead {
  return parseTreeHead(parseNote(note).text);
}

function invalid(message: string): AffiantError {
  return new AffiantError('note_invalid', message);
}
