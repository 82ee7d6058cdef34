import { z } from 'zod';
import { readFileIfPresent, writeFileDurably } from '#durable';

const POSITION = z.strictObject({
  version: z.literal(1),
  /** Acknowledged by the event log up to here. */
  shipped: z.int().nonnegative(),
  /** Highest of these that becomes a leaf; checkpoint events do not. */
  leaf: z.int().nonnegative(),
  /** Acknowledged by the ledger up to here; null before the first checkpoint was seen. */
  frontier: z.int().nonnegative().nullable(),
});

export type ShipPosition = Omit<z.infer<typeof POSITION>, 'version'>;

export const BEGINNING: ShipPosition = { shipped: 0, leaf: 0, frontier: null };

/** Port: where the shipper begins after a start. Losing it costs duplicates, which the ledger drops, never an event. */
export interface PositionStore {
  load(): Promise<ShipPosition>;
  save(position: ShipPosition): Promise<void>;
}

/** The position in one small file, replaced as a whole. What cannot be read counts as the beginning. */
export class PositionFile implements PositionStore {
  constructor(private readonly path: string) {}

  async load(): Promise<ShipPosition> {
    const stored = await readFileIfPresent(this.path);
    if (stored === null) return BEGINNING;
    try {
      const { version: _version, ...position } = POSITION.parse(JSON.parse(stored.toString('utf8')));
      return position;
    } catch {
      return BEGINNING;
    }
  }

  save(position: ShipPosition): Promise<void> {
    return writeFileDurably(this.path, `${JSON.stringify({ version: 1, ...position })}\n`);
  }
}
