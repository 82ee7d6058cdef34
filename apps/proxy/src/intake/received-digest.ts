import { OriginalDigest, type DigestMark } from '../original-digest.js';
import { receivedOf } from '../protocols/shared/request/known/conversation.js';
import type { PrefixFollower } from '../protocols/shared/request/known/follower.js';

/** Digest of a body while it arrives; what is recognised of it is not hashed again but for the bytes behind the last mark in it. */
export class ReceivedDigest {
  #digest: OriginalDigest | null;

  /** @param kept marks are made, for bodies to come */
  constructor(
    private readonly follower: PrefixFollower | null,
    private readonly kept: boolean,
  ) {
    this.#digest = follower === null ? new OriginalDigest([], kept) : null;
  }

  /** Takes a chunk that the follower has seen. */
  push(chunk: Buffer): void {
    if (this.#digest !== null) this.#digest.update(chunk);
    else if (this.follower!.ended) this.#digest = this.#begun();
  }

  /** @returns digest: null for no bytes */
  end(key: Buffer): { readonly digest: string | null; readonly marks: readonly DigestMark[] } {
    const digest = (this.#digest ??= this.#begun());
    return { digest: digest.end(key), marks: digest.marks };
  }

  /** Over all that came so far. */
  #begun(): OriginalDigest {
    const { kept, known } = this.follower!.end();
    const digest = new OriginalDigest(this.#marks(), this.kept);
    const skip = digest.length;
    let at = 0;
    const add = (bytes: Buffer): void => {
      const start = Math.max(0, skip - at);
      at += bytes.length;
      if (start < bytes.length) digest.update(start === 0 ? bytes : bytes.subarray(start));
    };
    const [head, ...rest] = kept;
    if (head !== undefined) add(head);
    for (let i = 0; i < (known?.count ?? 0); i += 1) add(receivedOf(known!, i));
    rest.forEach(add);
    return digest;
  }

  #marks(): readonly DigestMark[] {
    const { equal } = this.follower!;
    return equal === null ? [] : equal.conversation.marks.filter(({ at }) => at <= equal.length);
  }
}
