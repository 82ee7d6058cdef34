import { AffiantError } from '#errors';
import { isKeyName, keyIdOf, parseVkey, verifyEd25519, type Signer, type Vkey } from '#signing';

/** Bounds of what is read at all; the spec asks for at least 16 signatures, post-quantum ones have 5 kB. */
const MAX_NOTE_BYTES = 1_000_000;
const MAX_SIGNATURES = 100;

const SIGNATURE_LINE = /^\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/u;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  /** Without the key id. */
  readonly signature: Buffer;
}

/** A parsed note: nothing about it is verified. */
export interface ParsedNote {
  /** The signed text with its final newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A note with at least one verified signature. */
export interface OpenNote {
  readonly text: string;
  /** Keys whose signature verified. */
  readonly signers: readonly Vkey[];
}

/** A key that may have signed a note, of whatever signature type. */
export interface NoteKey {
  readonly name: string;
  readonly keyId: number;
  /** @throws AffiantError note_invalid when the signature is not by this key over `text`. */
  check(text: string, signature: Buffer): void;
}

/** Standard base64 with padding, in its one canonical spelling. Null otherwise. */
export function decodeBase64(text: string): Buffer | null {
  if (!BASE64.test(text)) return null;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

/** Strict reading of a C2SP signed note. @throws AffiantError note_invalid */
export function parseNote(note: string | Uint8Array): ParsedNote {
  const whole = toText(note);
  // [\u0000-\u001f] minus the newline, and no lone surrogates: such a text has no UTF-8 bytes to sign.
  need(!/[\p{Cs}]/u.test(whole) && !hasControl(whole), 'the note holds control characters');
  need(whole.endsWith('\n'), 'the note does not end in a newline');
  const split = whole.lastIndexOf('\n\n');
  need(split >= 0, 'the note has no signature block');
  const lines = whole.slice(split + 2, -1).split('\n');
  need(lines.length <= MAX_SIGNATURES, 'the note has too many signatures');
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

/**
 * Verifies a note against trusted keys (C2SP signed-note, "Signatures"): unknown keys are passed over,
 * a bad signature by a known key rejects the note, and so does having none by a known key.
 * @throws AffiantError note_invalid, key_invalid
 */
export function openNote(note: string | Uint8Array, vkeys: readonly string[]): OpenNote {
  const parsed = parseNote(note);
  const signers = checkSignatures(parsed, vkeys.map(noteKey)).map(({ vkey }) => vkey);
  need(signers.length > 0, 'no signature by a trusted key');
  return { text: parsed.text, signers };
}

/** Keys among `known` that have signed, each once, in the order of the note. @throws AffiantError note_invalid on a bad signature by one of them. */
export function checkSignatures<K extends NoteKey>({ text, signatures }: ParsedNote, known: readonly K[]): K[] {
  const signers: K[] = [];
  for (const { name, keyId, signature } of signatures) {
    const matching = known.filter((key) => key.name === name && key.keyId === keyId);
    need(matching.length <= 1, `two trusted keys share the name and id of ${name}`);
    const key = matching[0];
    if (key === undefined || signers.includes(key)) continue;
    key.check(text, signature);
    signers.push(key);
  }
  return signers;
}

/** A log's key (signature type 1). @throws AffiantError key_invalid */
export function noteKey(text: string): NoteKey & { readonly vkey: Vkey } {
  const vkey = parseVkey(text);
  const check = (signed: string, signature: Buffer): void =>
    need(verifyEd25519(vkey, Buffer.from(signed), signature), `the signature by ${vkey.name} does not verify`);
  return { name: vkey.name, keyId: vkey.keyId, vkey, check };
}

/** Signs `text`, which must end in a newline. Deterministic: Ed25519 gives the same note for the same text. */
export async function signNote(text: string, signers: readonly Signer[]): Promise<string> {
  let note = `${text}\n`;
  for (const signer of signers) {
    note += signatureLine(signer.name, keyIdOf(signer.name, signer.publicKey), await signer.sign(Buffer.from(text)));
  }
  // Reading it back makes sure that what is written is what a strict reader takes apart the same way.
  need(parseNote(note).text === text, 'the text cannot be carried by a note');
  return note;
}

/** `\u2014 name base64(key id || signature)` and its newline. */
export function signatureLine(name: string, keyId: number, signature: Uint8Array): string {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return `\u2014 ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`;
}

function parseSignature(line: string): NoteSignature {
  const match = SIGNATURE_LINE.exec(line);
  need(match !== null, 'a signature line is malformed');
  const name = match[1]!;
  const bytes = decodeBase64(match[2]!);
  need(isKeyName(name) && bytes !== null && bytes.length > 4, 'a signature line is malformed');
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(4) };
}

function toText(note: string | Uint8Array): string {
  need(note.length <= MAX_NOTE_BYTES, 'the note is too large');
  if (typeof note === 'string') return note;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(note);
  } catch (cause) {
    throw new AffiantError('note_invalid', 'the note is not UTF-8', { cause });
  }
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 && unit !== 0x0a) return true;
  }
  return false;
}

function need(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AffiantError('note_invalid', message);
}
