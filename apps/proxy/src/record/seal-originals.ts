import { encodeOriginals, type KeptOriginals, type SealingKey } from '#content-keys';
import { AffiantError } from '#errors';
import type { SealedOriginals } from '#events';
import type { OriginalsOf } from '../protocols/protocol.js';
import type { SessionKeys } from './session-keys.js';

/** Largest list of originals of one body, so that no event outgrows a broker's message limit. */
export const ORIGINALS_LIMIT = 256 * 1024;

/**
 * Seals what was masked in the segments it is given with. Null when there is nothing.
 * @throws AffiantError content_key_failed when there is no key to seal them with; body_too_large when there is too much: policy wants all of it kept, and a
 * part would be none
 */
export async function sealOriginals(
  kept: ReadonlyMap<OriginalsOf, readonly string[]>,
  scope: string,
  keys: SessionKeys | null,
): Promise<{ readonly sealed: SealedOriginals; readonly key: SealingKey } | null> {
  const list: KeptOriginals[] = [];
  for (const [originals, segments] of kept) {
    const values = await originals();
    if (values.length > 0) list.push({ segments, values });
  }
  if (list.length === 0) return null;
  if (keys === null)
    throw new AffiantError('content_key_failed', 'policy wants originals kept, and there is no key to seal them with here');
  const bytes = encodeOriginals(list);
  if (bytes.length > ORIGINALS_LIMIT)
    throw new AffiantError('body_too_large', 'the body holds more values than can be kept sealed', {
      remedy: `Send fewer at once: the list may have ${ORIGINALS_LIMIT / 1024} KiB.`,
    });
  const key = await keys.forScope(scope);
  const values = list.reduce((sum, { values: some }) => sum + some.length, 0);
  return { sealed: { key_id: key.id, values, bytes: key.seal(bytes) }, key };
}
