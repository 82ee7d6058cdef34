import { AffiantError } from '#errors';
import { bundlePath, LEAF_BYTES, TILE_WIDTH, tilePath, TileTree, tileWidth, type TreeHead } from '#tlog';
import { VouchedTiles } from './blame.js';
import { checkStamps, listStamps } from './check-stamps.js';
import type { CheckLogOptions } from './check-log.js';
import { Findings } from './finding.js';
import { LeafChains } from './leaf-chains.js';
import type { LogSource } from './log-source.js';
import { openHead } from './open-head.js';
import { reportOf, type LogReport } from './report.js';
import { writeLeafHash } from './tile-hashes.js';
import { bundleFault, read } from './tree-walk.js';

const ENTRY = 2 + LEAF_BYTES;

/** Leaf indexes [from, to). */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Checks some leaves only: each against its tile, each tile up to the signed root. Costs reading the range and one path of tiles.
 * @throws AffiantError usage_invalid when the range is not inside the tree; instance_unreachable
 */
export async function checkRange(source: LogSource, range: LeafRange, options: Omit<CheckLogOptions, 'since'>): Promise<LogReport> {
  const startedAt = performance.now();
  const findings = new Findings();
  const chains = new LeafChains(findings, range.from === 0);
  const where = options.checkpoint?.name ?? 'checkpoint';
  const stampPaths = listStamps(source);
  const note = options.checkpoint?.note ?? (await source.get('checkpoint'));
  if (note === null) findings.add('checkpoint_missing', where, 'there is no checkpoint, so nothing says what the tree is');
  const notes: string[] = [];
  const { policy } = options;
  const { checked, anchor } =
    note === null ? { checked: null, anchor: null } : await openHead(source, policy, note, where, findings, notes);
  const now = options.now === undefined ? {} : { now: options.now };
  const stamps = await checkStamps(source, stampPaths, { policy, covering: range.to, ...now });
  if (checked !== null) {
    const { size, root } = checked.head;
    if (!(range.from >= 0 && range.from < range.to && range.to <= size))
      throw new AffiantError('usage_invalid', `leaves ${range.from} to ${range.to} are not inside the tree of ${size} leaves`);
    if (anchor !== null && !(await beginsWith(source, size, anchor.checked.head)))
      findings.add('checkpoint_forked', where, `its tree does not begin with that of ${anchor.name}: the key signed two histories`);
    for (const { name, head } of stamps.heads)
      if (head.size > size) findings.add('checkpoint_rolled_back', where, rolledBack(size, name, head.size));
      else if (!(await beginsWith(source, size, head)))
        findings.add('checkpoint_forked', where, `its tree does not begin with that of ${name}: the key signed two histories`);
    const tiles = new VouchedTiles(source, size, root);
    for (let index = Math.floor(range.from / TILE_WIDTH); index * TILE_WIDTH < range.to; index += 1) {
      await checkBundle(source, index, size, range, tiles, chains, findings);
      options.onProgress?.(Math.min(range.to, (index + 1) * TILE_WIDTH) - range.from, range.to - range.from);
    }
  }
  for (const { code, where: at, message } of stamps.findings.list) findings.add(code, at, message);
  notes.push(...stamps.notes);
  const parts = { what: 'range' as const, name: source.name, policy, checked, findings, startedAt, range, stamps };
  return reportOf({ ...parts, sources: chains.summaries(), since: [], notes });
}

function rolledBack(size: number, name: string, larger: number): string {
  return `it is of ${size} leaves and ${name} of ${larger}: the log was ${larger} leaves long already`;
}

/** The tiles give the older root too. That they give the newer one is what each tile of the range is checked for. */
async function beginsWith(source: LogSource, size: number, older: TreeHead): Promise<boolean> {
  if (older.size > size) return false;
  try {
    return (await new TileTree({ get: async (path) => source.get(path) }, size).rootAt(older.size)).equals(older.root);
  } catch {
    return false;
  }
}

async function checkBundle(
  source: LogSource,
  index: number,
  size: number,
  range: LeafRange,
  tiles: VouchedTiles,
  chains: LeafChains,
  findings: Findings,
): Promise<void> {
  const width = tileWidth(0, index, size);
  const first = index * TILE_WIDTH;
  const vouched = await tiles.hashes(0, index);
  if (vouched === null) {
    findings.add('tile_altered', tilePath(0, index, width), 'it, or a tile above it, is missing or does not lead to the signed root');
    chains.skip();
    return;
  }
  const path = bundlePath(index, width);
  const bytes = await read(source, (one) => bundlePath(index, one), width, ENTRY);
  const fault = bytes === null ? null : bundleFault(bytes, width, first);
  if (bytes === null || fault !== null) {
    if (bytes === null) findings.add('bundle_missing', path, `leaves ${first} to ${first + width - 1} are not there`);
    else findings.add('bundle_malformed', path, fault ?? '');
    chains.skip();
    return;
  }
  const hash = Buffer.alloc(32);
  const prefixed = Buffer.alloc(1 + LEAF_BYTES);
  for (let entry = Math.max(0, range.from - first); entry < Math.min(width, range.to - first); entry += 1) {
    writeLeafHash(bytes, entry * ENTRY + 2, LEAF_BYTES, prefixed, hash, 0);
    if (vouched.compare(hash, 0, 32, entry * 32, entry * 32 + 32) === 0) {
      chains.read(bytes, entry * ENTRY + 2, LEAF_BYTES, first + entry);
      continue;
    }
    findings.add('leaf_altered', `leaf ${first + entry}`, `entry ${entry} of ${path} is not the leaf that the signed tree has there`);
    chains.skip();
  }
}

/**
 * The smallest range that holds every leaf whose event happened in [from, to) microseconds. Leaves are ordered by source and round and not by
 * time, so all of them are looked at; what is found is a choice, and the check of the range is what proves. Null when there is none.
 */
export async function rangeOfTimes(source: LogSource, size: number, from: number, to: number): Promise<LeafRange | null> {
  let first: number | null = null;
  let last = -1;
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    const width = tileWidth(0, index, size);
    const bytes = await read(source, (one) => bundlePath(index, one), width, ENTRY);
    if (bytes === null || bytes.length !== width * ENTRY) continue;
    for (let entry = 0; entry < width; entry += 1) {
      const at = entry * ENTRY + 2 + 18;
      const time = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
      if (time < from || time >= to) continue;
      first ??= index * TILE_WIDTH + entry;
      last = index * TILE_WIDTH + entry;
    }
  }
  return first === null ? null : { from: first, to: last + 1 };
}
