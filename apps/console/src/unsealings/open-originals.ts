import { hash } from 'node:crypto';
import { decodeOriginals, openSealed, type KeyBook, type KeyState, type KeyWrapper, type Original } from '#content-keys';
import { AffiantError } from '#errors';
import type { EventCodec, SealedOriginals } from '#events';
import type { OriginalsScope, OriginalsStore } from '#ledger-store';

/** Events of one request: what one event of the log can name, and one answer hold. */
export const MAX_EVENTS = 500;
/** Sealed bytes of one request. */
const MAX_BYTES = 16 * 1024 * 1024;

export interface OriginalsPorts {
  readonly store: Omit<OriginalsStore, 'close'>;
  readonly keys: Pick<KeyBook, 'find'>;
  readonly codec: EventCodec;
  /** Reads the private key; called once per request, and what it gives is not kept. */
  readonly opener: () => Promise<Pick<KeyWrapper, 'unwrap'>>;
}

/** An event that carries sealed originals. */
export interface SealedEvent {
  readonly event_id: string;
  readonly exchange_id: string;
  readonly direction: 'request' | 'response';
  readonly sealed: SealedOriginals;
}

/** What one event gave. */
export interface OpenedEvent {
  readonly event_id: string;
  readonly exchange_id: string;
  readonly direction: 'request' | 'response';
  /** SHA-256 of the sealed bytes, hex: never of a value, which could be guessed from it. */
  readonly sealed_sha256: string;
  readonly values: readonly Original[];
}

/** Where the originals of that scope lie, and which of their keys are still there. @throws AffiantError not_found, conflict (erased), query_limit */
export async function sealedIn(
  { store, keys, codec }: Pick<OriginalsPorts, 'store' | 'keys' | 'codec'>,
  scope: OriginalsScope,
): Promise<{ readonly events: readonly SealedEvent[]; readonly states: ReadonlyMap<string, KeyState> }> {
  const found = await store.carrying(scope, MAX_EVENTS + 1);
  const events = found.flatMap(({ event_id, exchange_id, raw }): SealedEvent[] => {
    const { type, event } = codec.decode(raw);
    if ((type !== 'request' && type !== 'response') || event.body.sealed_originals === null) return [];
    return [{ event_id, exchange_id, direction: type, sealed: event.body.sealed_originals }];
  });
  if (events.length === 0) throw new AffiantError('not_found', 'the ledger keeps no sealed originals of it');
  if (events.length > MAX_EVENTS || events.reduce((sum, { sealed }) => sum + sealed.bytes.length, 0) > MAX_BYTES)
    throw new AffiantError('query_limit', 'there is more than one request may open', { remedy: 'Request one exchange after another.' });
  const ids = [...new Set(events.map(({ sealed }) => sealed.key_id))];
  const states = await keys.find(ids);
  const unknown = ids.find((id) => !states.has(id));
  if (unknown !== undefined)
    throw new AffiantError('content_key_failed', 'the catalogue does not know a key that an event names', {
      where: unknown,
      remedy: 'Put back the newest copy of the catalogue: docs/guide/erase.md, "When a key is missing".',
    });
  if (ids.every((id) => states.get(id)?.state === 'destroyed')) throw new AffiantError('conflict', 'its originals were erased');
  return { events, states };
}

/**
 * Opens them, in memory. Of an exchange only what was masked in its own segments. Keys that were destroyed are left out.
 * @throws AffiantError as above; content_key_failed when a key or what it sealed does not open; key_invalid
 */
export async function openOriginals(ports: OriginalsPorts, scope: OriginalsScope): Promise<OpenedEvent[]> {
  const { events, states } = await sealedIn(ports, scope);
  const cited = scope.exchange === null ? null : new Set(await ports.store.segmentsOf(scope.exchange));
  const opener = await ports.opener();
  const keys = new Map<string, Buffer>();
  const opened: OpenedEvent[] = [];
  for (const { sealed, ...event } of events) {
    const state = states.get(sealed.key_id);
    if (state?.state !== 'live') continue;
    const key = keys.get(sealed.key_id) ?? (await opener.unwrap(sealed.key_id, state.wrapped));
    keys.set(sealed.key_id, key);
    const kept = decodeOriginals(openSealed(sealed.key_id, key, sealed.bytes, 'original'));
    const values = kept.filter(({ segments }) => cited === null || segments.some((one) => cited.has(one))).flatMap((group) => group.values);
    if (values.length > 0) opened.push({ ...event, sealed_sha256: hash('sha256', sealed.bytes, 'hex'), values });
  }
  return opened;
}
