import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import {
  newestToStamp,
  openAnchor,
  openSiemSinks,
  openStamps,
  recordKeys,
  siemGroups,
  startFeed,
  startLedger,
  StoredTrail,
  StoredWords,
} from '#apps/ledger';
import { EmbeddedEventLog } from '#event-log';
import { packageVersion } from '#config';
import { AffiantError } from '#errors';
import { EventCodec, SystemClock, SystemIds } from '#events';
import { JournalRecorder, recoverSource } from '#journal';
import { ClickHouseLedgerStore } from '#ledger-store';
import { createLogger } from '#observability';
import { controlDraft, openConfiguredKeys } from '#service';
import { FileStampStore } from '#timestamp';
import { FileCheckpointStore, FileCosignedStore, FileTileStore } from '#tlog';
import { AskedKeys } from './compose/keys-across.js';
import { SOURCES, type LedgerOrder, type LedgerReport, type LedgerTask } from './compose/ledger-task.js';
import { trimBehindCheckpoints } from './compose/trim.js';

const HEALTH_MS = 250;
const DRAIN_MS = 10_000;
/** With what an INSERT takes, an event is queryable a second or so after it was recorded, also while calls come without a break. */
const GATHER_MOST_MS = 800;

let stopping = false;
const task = workerData as LedgerTask;
const port = parentPort;
if (port === null) throw new AffiantError('internal', 'the ledger worker has no parent');
const report = (message: LedgerReport): void => port.postMessage(message);

const path = (...parts: string[]): string => join(task.stateDirectory, ...parts);
const logger = createLogger('ledger', { level: task.logLevel, file: path('log', 'affiant.log') });
const codec = new EventCodec();
const clock = new SystemClock();
const key = Buffer.from(task.journalKey);

const { journal, openExchanges } = await recoverSource({
  directory: path('journal', SOURCES.ledger),
  sourceId: SOURCES.ledger,
  key,
  segmentBytes: task.segmentBytes,
  highWaterBytes: task.highWaterBytes,
  watermarks: task.watermarks,
  codec,
});
const recorder = new JournalRecorder({ journal, codec, clock, ids: new SystemIds(), openExchanges });
const eventLog = new EmbeddedEventLog({
  journalDirectory: path('journal'),
  groupsDirectory: path('groups'),
  key,
  watermarks: task.watermarks,
});
const store = new ClickHouseLedgerStore(task.engine);
const keys = await openConfiguredKeys(task.keys, path('keys'));

const contentKeys = new AskedKeys((wanted) => report({ wanted }));
/** A stop that comes while this starts waits until there is something to stop. */
let started: () => void = () => undefined;
const whenStarted = new Promise<void>((resolve) => (started = resolve));
port.on('message', (order: LedgerOrder) => {
  if ('given' in order) contentKeys.take(order.given);
  else void whenStarted.then(stop);
});

const checkpoints = new FileCheckpointStore(path('checkpoint.json'));
const tiles = new FileTileStore(path('tiles'));
await recorder.record([controlDraft('ledger.started', { version: packageVersion }, keys.primary.name)]);
const ledger = await startLedger({
  eventLog,
  store,
  contentKeys,
  tiles,
  checkpoints,
  signer: keys.primary,
  keys,
  recorder,
  codec,
  clock,
  logger,
  words: new StoredWords(store),
  trail: new StoredTrail(store),
  options: { checkpointInterval: task.checkpointInterval, abortAfter: task.abortAfter, gatherMost: GATHER_MOST_MS },
});
await recordKeys({ keys, store, recorder });
const cosigned = new FileCosignedStore(path('tiles'));
const anchorPorts = { sealed: () => ledger.sealed(), tiles, cosigned, store, recorder, clock, logger };
const anchor = openAnchor(task.witnesses, keys.primary.name, anchorPorts);
const stamps = await openStamps(task.timestamps, {
  newest: newestToStamp({ cosigned: task.witnesses.members.length > 0 ? cosigned : null, checkpoints, ledger }),
  stamps: new FileStampStore(path('tiles')),
  recorder,
  clock,
  logger,
});
const feed = await startFeed({ eventLog, codec, origin: keys.primary.name, sinks: openSiemSinks(task.siem), recorder, logger });
const stopTrim = await trimBehindCheckpoints(eventLog, recorder, 'ledger.trim', siemGroups(task.siem));

const tellHealth = async (): Promise<void> => {
  if (!stopping) report({ health: await ledger.health(), siem: await feed.health(), anchor: anchor.health(), stamps: stamps.health() });
};
const timer = setInterval(() => void tellHealth().catch(() => undefined), HEALTH_MS);
await tellHealth();
report({ ready: true });
started();

const stumbled = (error: unknown): void => logger.error({ reason: (error as Error).message }, 'the stop could not be recorded');

/** A kill at any point of this loses nothing: everything below works from durable positions. */
async function stop(): Promise<void> {
  if (stopping) return;
  await stamps.stop();
  await anchor.stop();
  // Before the rest is sealed, so that the stop is too. Killed from here on, it has said that it ends, which is true.
  await recorder.record([controlDraft('ledger.stopped', { version: packageVersion }, keys.primary.name)]).catch(stumbled);
  await ledger.drain(DRAIN_MS);
  stopping = true;
  clearInterval(timer);
  await stopTrim();
  await feed.stop();
  await ledger.stop();
  await eventLog.close();
  await store.close();
  await journal.close();
  report({ stopped: true });
  port?.close();
}
