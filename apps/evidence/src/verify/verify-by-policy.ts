import { AffiantError } from '#errors';
import { formatVkey } from '#signing';
import { readCheckpoint, TileTree, verifyConsistency } from '#tlog';
import { checkHead, Findings, type CheckedHead, type FindingCode, type LogSource, type Since, type VerifyPolicy } from '#verify';
import { parsePacketModel } from '../model/packet-schema.js';
import type { PacketModel } from '../model/packet.js';
import type { Renderer } from '../render/renderer.js';
import { readSeal } from '../render/seal.js';
import { checkPacketStamps, type PacketStamps } from './check-stamps.js';
import { attachedFiles, readPdf } from './read-pdf.js';
import { verifyPacket, type VerifyReport } from './verify-packet.js';

export interface PolicyOptions {
  /** From the person who verifies, never from the packet. */
  readonly policy: VerifyPolicy;
  /** A checkpoint kept from before: that of the previous packet. The packet's tree must begin with that one. */
  readonly since?: Since;
  /** The log's tiles, for the proof that `since` needs when no proof is attached. */
  readonly log?: LogSource;
  readonly render?: Renderer;
}

export interface PolicyReport extends Omit<VerifyReport, 'problems'> {
  readonly cosigned_by: CheckedHead['cosigned_by'];
  readonly problems: readonly { readonly code: 'packet_invalid' | FindingCode; readonly where: string; readonly message: string }[];
  readonly proves: readonly string[];
  readonly does_not_prove: readonly string[];
}

/** A consistency proof that came with a packet: one base64 hash a line. */
const CONSISTENCY = /^consistency\/(\d{1,16})\.txt$/;

/**
 * Verifies a packet under a trust policy: everything verifyPacket does with the log key that sealed it, the witnesses' quorum over its checkpoint,
 * and that the tree goes on from an earlier checkpoint. @throws AffiantError config_invalid when the policy names no log; instance_unreachable
 */
export async function verifyPacketByPolicy(bytes: Buffer, options: PolicyOptions): Promise<PolicyReport> {
  const { policy, since } = options;
  const keys = policy.logs.map(({ vkey }) => vkey);
  const sealId = Number.parseInt(readSeal(bytes)?.hex.slice(0, 8) ?? '', 16);
  const key = keys.find(({ keyId }) => keyId === sealId) ?? keys[0];
  if (key === undefined) throw new AffiantError('config_invalid', 'the trust policy names no log');
  const report = await verifyPacket(bytes, { vkey: formatVkey(key.name, key.publicKey), render: options.render });
  const files = new Map(attachedFiles(readPdf(bytes)).flatMap(({ name, data }) => (data === null ? [] : [[name, data] as const])));
  const findings = new Findings();
  const note = files.get('checkpoint.note');
  const checked = note === undefined ? null : checkHead(policy, note, 'attachment checkpoint.note', findings);
  const consistent = since === undefined || checked === null ? false : await checkSince(since, checked, files, options, findings);
  const model = modelOf(files);
  const stamps: PacketStamps =
    checked === null || model === null
      ? { proves: [], doesNotProve: [] }
      : await checkPacketStamps(model, checked.head, files, policy, findings);
  const problems = [...report.problems, ...findings.list.filter(({ where }) => !report.problems.some((one) => one.where === where))];
  const ok = problems.length === 0;
  return {
    ...report,
    ok,
    statement: ok || !report.ok ? report.statement : `The packet does not verify: ${problems[0]?.where}.`,
    checks: [
      ...report.checks,
      {
        name: 'policy',
        ok: findings.count === 0,
        detail: `${checked?.cosigned_by.length ?? 0} witnesses of the policy have cosigned; its quorum is ${policy.quorum ?? 'none'}`,
      },
    ],
    problems,
    cosigned_by: checked?.cosigned_by ?? [],
    proves: ok ? [...provenBy(report, checked, consistent ? since : undefined), ...stamps.proves] : [],
    does_not_prove: [...notProvenBy(policy, since), ...stamps.doesNotProve],
  };
}

async function checkSince(
  since: Since,
  { head }: CheckedHead,
  files: ReadonlyMap<string, Buffer>,
  { policy, log }: PolicyOptions,
  findings: Findings,
): Promise<boolean> {
  const older = checkHead({ ...policy, quorum: null }, since.note, since.name, findings);
  if (older === null) return false;
  const where = 'attachment checkpoint.note';
  const { size, root, origin } = older.head;
  const fail = (code: FindingCode, message: string): false => {
    findings.add(code, where, message);
    return false;
  };
  if (origin !== head.origin) return fail('checkpoint_invalid', `it is of ${head.origin} and ${since.name} of ${origin}`);
  if (size > head.size)
    return fail(
      'checkpoint_rolled_back',
      `it is of ${head.size} leaves and ${since.name} of ${size}: the log was ${size} leaves long already`,
    );
  const forked = `the first ${size} leaves are not those that ${since.name} was signed for: the key signed two histories`;
  try {
    const proof = size === head.size || size === 0 ? [] : await consistencyProof(size, head, files, log);
    if (proof === null)
      return fail(
        'consistency_unproved',
        `nothing shows that its tree goes on from ${since.name}: no proof from ${size} leaves is attached; name the log's tiles with --log`,
      );
    verifyConsistency(size, head.size, proof, root, head.root);
    return true;
  } catch (error) {
    if (error instanceof AffiantError && error.code === 'proof_invalid') return fail('checkpoint_forked', forked);
    throw error;
  }
}

async function consistencyProof(
  size: number,
  head: { readonly size: number },
  files: ReadonlyMap<string, Buffer>,
  log: LogSource | undefined,
): Promise<Buffer[] | null> {
  for (const [name, data] of files) {
    if (Number(CONSISTENCY.exec(name)?.[1] ?? NaN) !== size) continue;
    return data.toString('latin1').trimEnd().split('\n').map((line) => Buffer.from(line, 'base64')); // prettier-ignore
  }
  if (log === undefined) return null;
  const note = await log.get('checkpoint');
  const largest = note === null ? head.size : Math.max(head.size, readCheckpoint(note).size);
  return new TileTree({ get: async (path) => log.get(path) }, largest).consistencyProof(size, head.size);
}

function provenBy({ packet }: VerifyReport, checked: CheckedHead | null, since: Since | undefined): string[] {
  const said = [
    'The file is, byte for byte, what the log’s key sealed; its pages, results and verdicts follow from the attached content.',
    `Every cited event is a leaf of the tree of ${packet?.tree_size ?? 0} leaves that the key signed: it was not altered, removed, moved or put in later.`,
  ];
  const witnesses = checked?.cosigned_by ?? [];
  if (witnesses.length > 0)
    said.push(`The tree was seen by ${witnesses.map(({ name, at }) => `${name} at ${at}`).join(', ')}, who cosign one history only.`);
  if (since !== undefined)
    said.push(`The tree begins with the one that ${since.name} committed to: nothing of it was changed or removed since.`);
  return said;
}

/** What the packet says of itself; null when it cannot be read, which verifyPacket has told. */
function modelOf(files: ReadonlyMap<string, Buffer>): PacketModel | null {
  try {
    return parsePacketModel(files.get('packet.json') ?? Buffer.alloc(0));
  } catch {
    return null;
  }
}

function notProvenBy(policy: VerifyPolicy, since: Since | undefined): string[] {
  const said = [
    'Events that were never handed to the log: gates and population say what is known of that.',
    'That a number is right: each query can be run again at the SQL endpoint.',
  ];
  if (policy.quorum === null)
    said.push(
      'That everybody is shown the same log: the policy asks for no witness. A second history, signed by the same key, would pass.',
    );
  if (since === undefined) said.push('That the log goes on from an earlier packet: give the checkpoint you kept from it with --since.');
  return said;
}
