import { isAffiantError } from '#errors';
import { parseStampPath, stampedCheckpointPath, stampPath, stampTime, type StampPlace, type TimestampAuthority } from '#timestamp';
import { readCheckpoint } from '#tlog';
import { everyInterval } from '../retry.js';
import { failedDraft, grantedDraft } from './drafts.js';
import type { AuthorityHealth, StampHealth, StampPorts } from './ports.js';

/** After a failure, or while there is nothing to stamp: how soon it looks again, unless the interval is shorter. Milliseconds. */
const LOOK_MS = 60_000;
/** Stamps renewed at a time: an authority is not flooded when many certificates end together. */
const RENEWALS = 20;

/**
 * Has the newest checkpoint stamped at each interval, and old stamps stamped anew before the certificate under them ends. It runs beside the sealing
 * and is never waited for: an authority that is away delays its stamps only, which an event, health and the log show.
 *
 * Per stamp: 1. the note as `stamps/<size>/checkpoint`; 2. the stamp beside it; 3. a control event `timestamp.granted` with both in it. A crash before 2
 * leaves nothing that counts; between 2 and 3 a good stamp that nobody was told of, and the next interval makes another one, of a larger tree.
 */
export class StampLoop {
  readonly #stopping = new AbortController();
  readonly #health = new Map<string, Pick<AuthorityHealth, 'name' | 'lastUs' | 'failing'>>();
  /** `<size> <authority>` -> its newest stamp. Null until what is kept was listed. */
  #newest: Map<string, StampPlace> | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly ports: StampPorts) {
    for (const { name } of ports.authorities) this.#health.set(name, { name, lastUs: null, failing: null });
  }

  start(): void {
    const { authorities, logger, options } = this.ports;
    if (authorities.length === 0) return;
    this.#running = everyInterval('stamping', () => this.once(), { ...options, look: LOOK_MS, signal: this.#stopping.signal, logger });
  }

  /** Resolves when what is in hand has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  health(): StampHealth {
    const { interval: intervalMs, renewBefore: renewBeforeMs } = this.ports.options;
    const authorities = [...this.#health.values()].map((one) => {
      const own = [...(this.#newest?.values() ?? [])].filter(({ authority }) => authority === one.name);
      const first = own.reduce((soonest, { expiresAt }) => Math.min(soonest, expiresAt), Infinity);
      const size = own.reduce((largest, place) => Math.max(largest, place.size), 0);
      return { ...one, size, expiresUs: own.length === 0 ? null : first * 1_000 };
    });
    return { intervalMs, renewBeforeMs, authorities };
  }

  /** One time. False when there was nothing to stamp, or an authority failed. @throws what a store throws; the next time does the same again */
  async once(): Promise<boolean> {
    const note = await this.ports.newest();
    if (note === null) return false;
    const kept = (this.#newest ??= await this.#listed());
    const { size } = readCheckpoint(note);
    const done = await Promise.all(
      this.ports.authorities.map(async (authority) => {
        // Our own events about the last stamps and the cosigned checkpoint make the tree larger: that alone is nothing worth stamping.
        const echo = this.ports.authorities.length + 1;
        const isNew = size > 0 && size > this.#largest(kept, authority.name) + echo;
        const stamped = !isNew || (await this.#stamp(authority, size, Buffer.from(note)));
        // One that just failed is not asked for renewals too.
        return stamped && (await this.#renew(authority, kept)) && isNew;
      }),
    );
    return done.every(Boolean);
  }

  /** The checkpoint itself. The first note that is kept of a size is the one that is stamped: a later one may have other cosignatures. */
  async #stamp(authority: TimestampAuthority, size: number, note: Buffer): Promise<boolean> {
    const kept = await this.ports.stamps.put(stampedCheckpointPath(size), note);
    return this.#ask(authority, { size, number: 0 }, kept, kept);
  }

  /** Stamps whose certificate ends soon. */
  async #renew(authority: TimestampAuthority, kept: Map<string, StampPlace>): Promise<boolean> {
    const { clock, options, stamps, logger } = this.ports;
    const soon = clock.nowMs() + options.renewBefore;
    const due = [...kept.values()].filter((place) => place.authority === authority.name && place.expiresAt <= soon);
    for (const place of due.slice(0, RENEWALS)) {
      const [note, old] = await Promise.all([stamps.get(stampedCheckpointPath(place.size)), stamps.get(stampPath(place))]);
      if (note === null || old === null) {
        logger.warn({ place: stampPath(place) }, 'a stamp to renew is not there any more');
        kept.delete(keyOf(place));
        continue;
      }
      const next = { size: place.size, number: place.number + 1 };
      if (this.#stopping.signal.aborted || !(await this.#ask(authority, next, note, Buffer.concat([note, old])))) return false;
    }
    return true;
  }

  async #ask(
    authority: TimestampAuthority,
    { size, number }: Pick<StampPlace, 'size' | 'number'>,
    note: Buffer,
    data: Buffer,
  ): Promise<boolean> {
    const { stamps, recorder, clock, logger } = this.ports;
    const { name } = authority;
    const before = this.#health.get(name);
    try {
      const stamp = await authority.stamp(data);
      const place = { size, authority: name, number, expiresAt: stamp.verified.expiresAt };
      await stamps.put(stampPath(place), stamp.response);
      await recorder.record([grantedDraft(place, stamp, note)]);
      // A new certificate that ends no later than the old one, as with a wrong clock, is not renewed again and again.
      this.#newest?.set(keyOf(place), place);
      this.#health.set(name, { name, lastUs: clock.nowUs(), failing: null });
      logger.info(
        { authority: name, size, number, time: new Date(stamp.verified.genTime).toISOString() },
        'the checkpoint is time-stamped',
      );
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#health.set(name, { name, lastUs: before?.lastUs ?? null, failing: reason });
      logger.warn({ authority: name, size, reason }, 'an authority did not stamp');
      // Once per outage.
      if (before?.failing === null)
        await recorder.record([failedDraft(name, size, isAffiantError(error) ? error.code : 'internal', reason)]);
      return false;
    }
  }

  async #listed(): Promise<Map<string, StampPlace>> {
    const newest = new Map<string, StampPlace>();
    for (const path of await this.ports.stamps.list()) {
      const place = parseStampPath(path);
      if (place !== null && place.number >= (newest.get(keyOf(place))?.number ?? 0)) newest.set(keyOf(place), place);
    }
    for (const { name } of this.ports.authorities) await this.#recall(name, newest);
    return newest;
  }

  /** When an earlier process had it stamp last. What cannot be read there is the verifiers' business. */
  async #recall(name: string, newest: ReadonlyMap<string, StampPlace>): Promise<void> {
    const last = newest.get(keyOf({ size: this.#largest(newest, name), authority: name }));
    const known = this.#health.get(name);
    const response = last === undefined ? null : await this.ports.stamps.get(stampPath(last));
    if (response === null || known === undefined || known.lastUs !== null) return;
    try {
      this.#health.set(name, { ...known, lastUs: stampTime(response) * 1_000 });
    } catch (error) {
      this.ports.logger.warn({ place: stampPath(last!), reason: (error as Error).message }, 'a kept stamp cannot be read');
    }
  }

  /** -Infinity when it has none. */
  #largest(kept: ReadonlyMap<string, StampPlace>, authority: string): number {
    let largest = -Infinity;
    for (const place of kept.values()) if (place.authority === authority) largest = Math.max(largest, place.size);
    return largest;
  }
}

const keyOf = ({ size, authority }: Pick<StampPlace, 'size' | 'authority'>): string => `${size} ${authority}`;
