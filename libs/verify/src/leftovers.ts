import { isTilePath, LEAF_BYTES, TILE_WIDTH, tileWidth } from '#tlog';
import type { Findings } from './finding.js';
import type { LogSource } from './log-source.js';

const PARTIAL = /^tile\/(\d+|entries)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/;

/**
 * Files that the checkpoint's tree does not need: earlier partial tiles must be the beginning of what came of them; tiles beyond the tree (a round
 * that was not sealed yet) and foreign files are noted. Only for places that can be listed.
 */
export async function checkLeftovers(source: LogSource, size: number, findings: Findings, notes: string[]): Promise<void> {
  if (source.list === undefined) {
    notes.push('The place cannot list its files: files that do not belong to the tree would not be seen.');
    return;
  }
  let beyond = 0;
  let foreign: string | null = null;
  for (const path of source.list()) {
    if (!isTilePath(path)) {
      foreign ??= path;
      continue;
    }
    const [, kind, name, partial] = PARTIAL.exec(path) as unknown as [string, string, string, string | undefined];
    const index = Number(name.replaceAll('x', '').replaceAll('/', ''));
    const now = tileWidth(kind === 'entries' ? 0 : Number(kind), index, size);
    const width = partial === undefined ? TILE_WIDTH : Number(partial);
    if (width > now) beyond += 1;
    else if (width < now) await checkEarlier(source, path, width, now, kind === 'entries' ? 2 + LEAF_BYTES : 32, findings);
  }
  if (beyond > 0)
    notes.push(
      `${beyond} tiles reach beyond the tree of ${size} leaves: a round that was not sealed when this was copied, or what is left of one.`,
    );
  if (foreign !== null) notes.push(`There are files that are no tiles, for example ${foreign}.`);
}

async function checkEarlier(source: LogSource, path: string, width: number, now: number, part: number, findings: Findings): Promise<void> {
  const stem = path.slice(0, path.lastIndexOf('.p/'));
  const [earlier, current] = [await source.get(path), await source.get(now === TILE_WIDTH ? stem : `${stem}.p/${now}`)];
  if (earlier === null || current === null) return;
  if (earlier.length === width * part && earlier.equals(current.subarray(0, width * part))) return;
  findings.add('tile_altered', path, 'an earlier partial file is not the beginning of what came of it');
}
