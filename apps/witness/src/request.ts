import { AffiantError } from '#errors';

/** C2SP tlog-witness: a client must not send more. */
const MAX_PROOF = 63;
const HASH = /^[A-Za-z0-9+/]{43}=$/;
const COUNT = /^(?:0|[1-9]\d*)$/;

/** Body of `POST /add-checkpoint`, taken apart; nothing about it is verified. */
export interface AddCheckpoint {
  /** Size the client thinks the witness has. */
  readonly oldSize: number;
  /** Consistency proof from there to the checkpoint, 32 bytes each. */
  readonly proof: readonly Buffer[];
  /** The signed note, byte for byte. */
  readonly note: Buffer;
}

/** Strict reading of `old N`, proof lines, an empty line and a note (C2SP tlog-witness, "add-checkpoint"). @throws AffiantError body_invalid */
export function parseAddCheckpoint(body: Buffer): AddCheckpoint {
  const proof: Buffer[] = [];
  const [first, afterFirst] = lineAt(body, 0);
  need(first.startsWith('old '), 'the first line is not `old <size>`');
  const oldSize = countOf(first.slice('old '.length));
  for (let at = afterFirst; ;) {
    const [line, next] = lineAt(body, at);
    at = next;
    if (line === '') return { oldSize, proof, note: body.subarray(at) };
    need(proof.length < MAX_PROOF, `more than ${MAX_PROOF} proof lines`);
    proof.push(hashOf(line));
  }
}

/** The line that starts at `at`, and where the next one does. No line of the head is longer than a hash. */
function lineAt(body: Buffer, at: number): [string, number] {
  const end = body.indexOf(0x0a, at);
  need(end >= 0 && end - at <= 64, 'a line of the request is malformed');
  return [body.toString('latin1', at, end), end + 1];
}

function countOf(text: string): number {
  need(COUNT.test(text) && Number.isSafeInteger(Number(text)), 'the old size is malformed');
  return Number(text);
}

function hashOf(line: string): Buffer {
  const hash = Buffer.from(line, 'base64');
  need(HASH.test(line) && hash.length === 32 && hash.toString('base64') === line, 'a proof line is malformed');
  return hash;
}

function need(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AffiantError('body_invalid', message);
}
