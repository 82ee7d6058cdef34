import { Slices } from '#wire';
import type { DigestMark } from '../../../../original-digest.js';
import { joinFragments } from '../join-fragments.js';
import type { PieceKind, PieceValue } from '../piece-kind.js';
import type { PieceScan } from '../scan-cache.js';

/** A piece of a conversation that was screened, with all that was learned about it. */
export interface KnownPart {
  readonly kind: PieceKind;
  /** Bytes it had when it came. */
  readonly length: number;
  /** SHA-256 of those bytes, hex. */
  readonly digest: string;
  /** The values in it; offsets from its beginning. */
  readonly values: readonly PieceValue[];
  readonly scan: PieceScan;
  /** As it went upstream. Where nothing was replaced these are the bytes it came with: what was replaced is not kept. */
  readonly content: Buffer;
  /** The cut behind it stands whatever follows. Behind another one it stands only where the next part follows. */
  readonly closed: boolean;
}

/** The longest array of a request, from its beginning on: what an agent sends again with its next request, and more behind it. */
export interface Conversation {
  /** The same in all that go on from one another. */
  readonly lineage: symbol;
  /** The policy it was screened by (ScreenContext.cacheScope). */
  readonly scope: string;
  /** Of the bytes before its first element: equal bytes there mean that the array stands at the same place of the same object. */
  readonly head: { readonly length: number; readonly sha256: string };
  readonly parts: readonly KnownPart[];
  /** Bytes from the beginning of the body to the end of its last part. */
  readonly end: number;
  /** Of bodies that begin with it, none of them behind its end. */
  readonly marks: readonly DigestMark[];
  /** Bytes it keeps alive, roughly. */
  readonly weight: number;
}

/** Parts of a conversation that were found at the same place of another body, and left out of what was kept of it. */
export interface KnownPrefix {
  readonly conversation: Conversation;
  /** How many of its parts, from the first on. */
  readonly count: number;
  /** The bytes of those in which values were replaced, by their index. */
  readonly received: ReadonlyMap<number, Buffer>;
}

/** The bytes a part came with. */
export function receivedOf({ conversation, received }: KnownPrefix, index: number): Buffer {
  return received.get(index) ?? conversation.parts[index]!.content;
}

/** The body as it came, put together in steps: it may be many megabytes. */
export function wholeBody(kept: Buffer, known: KnownPrefix): Promise<Buffer> {
  const { head } = known.conversation;
  const parts = Array.from({ length: known.count }, (_, index) => receivedOf(known, index));
  return joinFragments([kept.subarray(0, head.length), ...parts, kept.subarray(head.length)], new Slices());
}
