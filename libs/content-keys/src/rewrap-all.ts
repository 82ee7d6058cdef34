import { nameOf } from './key-box.js';
import type { KeyBook, Rewrapped } from './port.js';
import type { WrapperRing } from './wrapper-ring.js';

/** Keys of one transaction. */
const TOGETHER = 500;

/**
 * Brings every live key under the present key-encryption key, so that the older ones can be destroyed. What is sealed is not touched. Interrupted, it has
 * done a part; run again, it does the rest. Keys that are issued meanwhile by a process that still wraps under an older one are found by running it again.
 * @throws AffiantError catalogue_failed; content_key_failed when a key does not open, which is then left as it is
 */
export async function rewrapAll(
  book: Pick<KeyBook, 'live' | 'rewrap'>,
  wrapper: Pick<WrapperRing, 'wrap' | 'unwrap' | 'present' | 'isLost'>,
  progress: (looked: number) => void = () => undefined,
): Promise<{ readonly looked: number; readonly rewrapped: number }> {
  let [after, looked, rewrapped] = ['', 0, 0];
  for (;;) {
    const page = await book.live(after, TOGETHER);
    if (page.length === 0) return { looked, rewrapped };
    const changes: Rewrapped[] = [];
    for (const { id, wrapped: before } of page) {
      if (nameOf(before) === wrapper.present.name || wrapper.isLost(before)) continue;
      changes.push({ id, before, wrapped: await wrapper.wrap(id, await wrapper.unwrap(id, before)) });
    }
    rewrapped += await book.rewrap(changes);
    looked += page.length;
    after = page.at(-1)!.id;
    progress(looked);
  }
}
