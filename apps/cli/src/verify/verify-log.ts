import { stat } from 'node:fs/promises';
import { checkRows } from '#apps/ledger';
import { AffiantError } from '#errors';
import { readCheckpoint } from '#tlog';
import {
  checkLog,
  checkRange,
  DirectorySource,
  HttpSource,
  rangeOfTimes,
  type LogReport,
  type LogSource,
  type Since,
  type VerifyPolicy,
} from '#verify';
import { say } from '../output.js';
import type { CommonOptions } from '../commands/options.js';
import { openRows } from './rows.js';

export interface LogOptions extends CommonOptions {
  readonly from?: string;
  readonly to?: string;
  readonly events?: string;
}

/** A log at a directory or an http(s) address; null when it is neither. */
export async function logAt(place: string): Promise<LogSource | null> {
  if (/^https?:\/\//.test(place)) return new HttpSource(place);
  try {
    return (await stat(place)).isDirectory() ? new DirectorySource(place) : null;
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'there is no such file or directory', { where: place, cause });
  }
}

/** The whole log, or the part between --from and --to; with --events the rows of the ledger store too. */
export async function verifyLog(source: LogSource, policy: VerifyPolicy, since: readonly Since[], options: LogOptions): Promise<LogReport> {
  const progress = progressLine();
  if (options.from !== undefined || options.to !== undefined) {
    if (options.events !== undefined || since.length > 0)
      throw new AffiantError('usage_invalid', '--events and --since are about the whole log: leave out --from and --to');
    return checkRange(source, await rangeOf(source, options), { policy, onProgress: progress });
  }
  const report = await checkLog(source, { policy, since, onProgress: progress });
  // A tree that does not verify cannot vouch for any row.
  if (options.events === undefined || !report.ok || report.checkpoint === null) return report;
  say('verify: the log verifies; comparing the rows of the ledger store with it');
  const rows = await checkRows(source, report.checkpoint.size, policy, await openRows(options.events, options));
  const first = rows.findings.list[0];
  const withRows = { ...report, findings: rows.findings.list, finding_count: rows.findings.count, notes: [...report.notes, ...rows.notes] };
  if (first !== undefined)
    return {
      ...withRows,
      ok: false,
      proves: [],
      statement: `The log verifies, the ledger store does not agree with it. First: ${first.where}: ${first.message}`,
    };
  const said = `The rows of the ledger store (${rows.events} events, ${rows.leaves} leaves, ${rows.checkpoints} checkpoints) are what the log commits to: the exact bytes of every event, and every column that follows from them.`;
  const open = report.does_not_prove.filter((line) => !line.includes('--events'));
  return { ...withRows, proves: [...report.proves, said], does_not_prove: open };
}

async function rangeOf(source: LogSource, { from = '0', to }: LogOptions): Promise<{ from: number; to: number }> {
  const size = async (): Promise<number> => {
    const note = await source.get('checkpoint');
    return note === null ? 0 : readCheckpoint(note).size;
  };
  const isIndex = (text: string): boolean => /^\d{1,15}$/.test(text);
  if (isIndex(from) && (to === undefined || isIndex(to))) return { from: Number(from), to: to === undefined ? await size() : Number(to) };
  const [first, last] = [timeOf(from === '0' ? '1970-01-01T00:00:00Z' : from), to === undefined ? Infinity : timeOf(to)];
  const range = await rangeOfTimes(source, await size(), first, last);
  if (range === null) throw new AffiantError('not_found', 'no leaf is of that time');
  return range;
}

function timeOf(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new AffiantError('usage_invalid', 'neither a leaf index nor a time', {
      where: text,
      remedy: 'Give an index from 0, or a time like 2026-11-25T00:00:00Z.',
    });
  return ms * 1000;
}

/** A line on stderr every second: how far, and how fast. */
function progressLine(): (done: number, of: number) => void {
  const startedAt = performance.now();
  let last = startedAt;
  return (done, of) => {
    const now = performance.now();
    if (now - last < 1000 && done < of) return;
    last = now;
    const rate = Math.round(done / Math.max(0.001, (now - startedAt) / 1000));
    say(`verify: ${done} of ${of} leaves, ${rate} leaves/s`);
  };
}
