import { hostname } from 'node:os';
import type { JournalConfig } from '#config';
import type { EventCodec, Clock, Ids } from '#events';
import {
  createWatermarks,
  JournalReader,
  JournalRecorder,
  recoverSource,
  type FileJournal,
  type OpenExchange,
  type Watermarks,
} from '#journal';
import { controlDraft } from './control-draft.js';

export interface SourceOptions {
  readonly sourceId: string;
  /** Holds one directory per source. */
  readonly journalDirectory: string;
  readonly key: Buffer;
  readonly config: JournalConfig;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** The journal a process writes, with its recorder. */
export interface Source {
  readonly journal: FileJournal;
  readonly recorder: JournalRecorder;
  /** Requests the last life left without a response; the gateway ends them as aborted before it serves. */
  readonly openExchanges: readonly OpenExchange[];
  /** True when the journal has no event yet. */
  readonly isNew: boolean;
  /** For readers of this journal in this process. */
  readonly watermarks: Watermarks;
  /** Follows the writer; whoever takes it closes it. */
  reader(): JournalReader;
}

/** `<service>-<host name>`, in the alphabet of source ids. */
export function defaultSourceId(service: string, host: string = hostname()): string {
  return `${service}-${host.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-')}`.slice(0, 64);
}

/** Opens the journal after a clean stop as after a crash, and records when the latter had left something to mend. */
export async function openSource(options: SourceOptions): Promise<Source> {
  const { sourceId, journalDirectory, key, config, codec, clock, ids } = options;
  const watermarks = createWatermarks([sourceId]);
  const directory = `${journalDirectory}/${sourceId}`;
  const { journal, openExchanges, tornBytes } = await recoverSource({
    directory,
    sourceId,
    key,
    segmentBytes: config.segment_bytes,
    highWaterBytes: config.high_water_bytes,
    watermarks,
    codec,
  });
  const isNew = journal.nextSeq === 1;
  const recorder = new JournalRecorder({ journal, codec, clock, ids, openExchanges });
  if (openExchanges.length > 0 || tornBytes > 0) {
    const found = { aborted: String(openExchanges.length), torn_bytes: String(tornBytes) };
    await recorder.record([controlDraft('journal.recovered', found)]);
  }
  const watermark = watermarks.get(sourceId) as SharedArrayBuffer;
  return { journal, recorder, openExchanges, isNew, watermarks, reader: () => new JournalReader({ directory, sourceId, key, watermark }) };
}
