import { parseIntent } from '../../ingest/intent.js';
import { GROUPS } from '../../ports.js';
import { isLogPlace } from '../../read-event.js';
import type { ContentCheckPorts } from './port.js';

/**
 * Whether the ingest has said that it is about to insert that event: its text goes in before it, and a crash leaves it there. In a broker's log an intent
 * names offsets and no seqs, so there any open one may be it.
 */
export async function isIntended({ eventLog }: Pick<ContentCheckPorts, 'eventLog'>, source: string, seq: number): Promise<boolean> {
  for (const [partition, committed] of await eventLog.committed(GROUPS.ingest)) {
    const intent = parseIntent(committed);
    if (intent === null) continue;
    if (isLogPlace(partition) || (partition === source && seq >= committed.offset && seq <= intent.to)) return true;
  }
  return false;
}
