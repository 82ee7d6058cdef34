import { byPlace, placeOf, rowsAt, type ReadContent } from './content-rows.js';
import { judge, unaccounted } from './judge.js';
import { openKeys } from './open-keys.js';
import type { ContentCheckPorts, ContentFinding } from './port.js';
import type { SealedEvent, SealedReader } from './read-sealed.js';
import { isIntended } from './under-way.js';

/** A place where something looked wrong. */
export interface Suspect {
  readonly source_id: string;
  readonly seq: string;
}

interface Again {
  readonly findings: ContentFinding[];
  /** Rows of work that has begun and not ended. */
  readonly underWay: number;
}

const TOGETHER = 50;
const ONE_EVENT = 1;

/**
 * Looks at places anew, rows first, then the event, then its key. In this order what is still wrong was not just changing: text is there before its event,
 * and its key goes before it. What an ingest, an erasure or a drop has begun and not ended is counted apart, also when it stands still.
 */
export async function lookAgain(ports: ContentCheckPorts, reader: SealedReader, suspects: readonly Suspect[]): Promise<Again> {
  const findings: ContentFinding[] = [];
  let underWay = 0;
  for (let from = 0; from < suspects.length; from += TOGETHER) {
    const places = suspects.slice(from, from + TOGETHER);
    const rows = byPlace(await rowsAt(ports.store, places));
    for (const place of places) {
      const found = await lookAt(ports, reader, place, rows.get(placeOf(place)) ?? []);
      findings.push(...found.findings);
      underWay += found.underWay;
    }
  }
  return { findings, underWay };
}

async function lookAt(ports: ContentCheckPorts, reader: SealedReader, place: Suspect, rows: readonly ReadContent[]): Promise<Again> {
  const event = await eventAt(ports, reader, place);
  if (event === null) return withoutEvent(ports, reader, place, rows);
  const key = event.content === null ? null : (await openKeys(ports, [event.content.key])).get(event.content.key)!;
  const findings = [...judge(event, rows, key).findings];
  if (key?.state !== 'destroyed' || findings.length === 0) return { findings, underWay: 0 };
  if (await ports.work.erasing(key.erasure)) return { findings: [], underWay: rows.length };
  // It may have ended since the rows were read.
  return { findings: (await rowsAt(ports.store, [place])).length === 0 ? [] : findings, underWay: 0 };
}

async function withoutEvent(ports: ContentCheckPorts, reader: SealedReader, place: Suspect, rows: readonly ReadContent[]): Promise<Again> {
  if (rows.length === 0) return { findings: [], underWay: 0 };
  if ((await ports.work.dropping()) || (await isIntended(ports, place.source_id, Number(place.seq))))
    return { findings: [], underWay: rows.length };
  // The intent ends when the event is there, and a drop when its text is gone: whoever was at work is done by now.
  if ((await eventAt(ports, reader, place)) !== null || (await rowsAt(ports.store, [place])).length === 0)
    return { findings: [], underWay: 0 };
  return { findings: rows.map(unaccounted), underWay: 0 };
}

async function eventAt({ store }: ContentCheckPorts, reader: SealedReader, { source_id, seq }: Suspect): Promise<SealedEvent | null> {
  const at = Number(seq);
  if (!Number.isSafeInteger(at)) return null;
  const [event] = await store.readEvents(source_id, at, at, ONE_EVENT);
  return event === undefined ? null : reader.read(source_id, event);
}
