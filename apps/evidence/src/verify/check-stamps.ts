import { AffiantError } from '#errors';
import { verifyConsistency, type TreeHead } from '#tlog';
import { checkHead, checkStampChain, type Findings, type VerifyPolicy } from '#verify';
import type { PacketModel, PacketStamp } from '../model/packet.js';

export interface PacketStamps {
  readonly proves: readonly string[];
  readonly doesNotProve: readonly string[];
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

/**
 * The time stamps of a packet: each stamped checkpoint is signed by a log of the policy and is where the packet's tree begins, and each stamp over it
 * leads to a root of the policy. A stamp by an authority that the policy does not name proves nothing, and is named.
 */
export async function checkPacketStamps(
  { stamps = [] }: Pick<PacketModel, 'stamps'>,
  head: TreeHead,
  files: ReadonlyMap<string, Buffer>,
  policy: VerifyPolicy,
  findings: Findings,
): Promise<PacketStamps> {
  const { authorities = [] } = policy;
  const proves: string[] = [];
  const doesNotProve: string[] = [];
  const sound = new Map<number, Buffer | null>();
  for (const { tree_size } of stamps)
    if (!sound.has(tree_size)) sound.set(tree_size, checkStamped(tree_size, head, files, policy, findings));
  for (const authority of authorities) {
    const own = stamps.filter((one) => one.authority === authority.name);
    if (own.length === 0)
      findings.add('stamp_missing', `stamps by ${authority.name}`, 'the packet has none, and the policy asks for this authority');
    const [first] = own;
    const note = first === undefined ? null : sound.get(first.tree_size);
    if (first === undefined || note === undefined || note === null) continue;
    const before = findings.count;
    const stored = own.map(({ file, number }) => ({ where: `attachment ${file}`, number, response: files.get(file) ?? null, until: null }));
    const told = await checkStampChain(authority, note, stored, findings);
    if (told === null || findings.count > before) continue;
    if (!own.some(({ number, time }) => number === 0 && Date.parse(time) === told.time)) {
      findings.add('stamp_invalid', 'attachment packet.json', `it tells another time than the stamp of ${authority.name}`);
      continue;
    }
    proves.push(
      `The first ${first.tree_size} leaves of its tree existed before ${iso(told.time)}: the time stamp authority ${authority.name} signed for them then.`,
    );
    if (told.expiresAt < Date.now())
      doesNotProve.push(
        `That no stamp of ${authority.name} was forged since its certificate ended at ${iso(told.expiresAt)}: ask for its renewal from the log.`,
      );
  }
  doesNotProve.push(...openTimes(stamps, policy, head));
  return { proves, doesNotProve };
}

/** The stamped note; null, with a finding, when it is not one of this log, or the packet's tree does not go on from it. */
function checkStamped(
  size: number,
  head: TreeHead,
  files: ReadonlyMap<string, Buffer>,
  policy: VerifyPolicy,
  findings: Findings,
): Buffer | null {
  const where = `attachment stamps/checkpoint-${size}.note`;
  const note = files.get(`stamps/checkpoint-${size}.note`);
  if (note === undefined) return null;
  const checked = checkHead({ ...policy, witnesses: [], groups: [], quorum: null }, note, where, findings);
  if (checked === null) return null;
  const name = `stamps/${size}-to-${head.size}.consistency`;
  const lines = (files.get(name) ?? Buffer.alloc(0)).toString('latin1').split('\n').filter((line) => line !== ''); // prettier-ignore
  try {
    if (checked.head.size !== size || checked.head.origin !== head.origin) throw new AffiantError('proof_invalid', 'another tree');
    const proof = lines.map((line) => Buffer.from(line, 'base64'));
    verifyConsistency(size, head.size, proof, checked.head.root, head.root);
    return note;
  } catch (error) {
    if (!(error instanceof AffiantError)) throw error;
    findings.add('proof_invalid', `attachment ${name}`, `it does not show that the packet's tree goes on from the stamped ${size} leaves`);
    return null;
  }
}

function openTimes(stamps: readonly PacketStamp[], { authorities = [] }: VerifyPolicy, head: TreeHead): string[] {
  if (stamps.length === 0)
    return [
      'When it was signed: no time stamp of an authority is attached, the times are those of the institution’s clock and of the witnesses.',
    ];
  const known = stamps.filter(({ authority }) => authorities.some(({ name }) => name === authority));
  const strangers = [...new Set(stamps.filter((one) => !known.includes(one)).map(({ authority }) => authority))];
  const open: string[] = [];
  if (strangers.length > 0)
    open.push(
      `The time of the attached stamps by ${strangers.join(', ')}: the policy does not name that authority. Put its root into the policy.`,
    );
  const covered = Math.max(0, ...known.map(({ tree_size }) => tree_size));
  if (known.length > 0 && covered < head.size)
    open.push(`When leaves ${covered} to ${head.size - 1} were written: they are after the newest attached time stamp.`);
  return open;
}
