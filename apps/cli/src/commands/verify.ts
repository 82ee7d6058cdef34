import { readFile } from 'node:fs/promises';
import { AffiantError } from '#errors';
import { verifyPacket, verifyPacketByPolicy } from '#apps/evidence';
import { readPolicyFile, type Since, type VerifyPolicy } from '#verify';
import { printJson } from '../output.js';
import { reportText, type Printable } from '../verify/print.js';
import { logAt, verifyLog, type LogOptions } from '../verify/verify-log.js';
import { readText } from './policy.js';
import { common, type AddCommand } from './options.js';

interface VerifyCommand extends LogOptions {
  readonly key?: string;
  readonly policy?: string;
  readonly since: readonly string[];
  readonly log?: string;
}

const collect = (value: string, list: readonly string[]): string[] => [...list, value];

export const addVerify: AddCommand = (program, finding) => {
  common(program.command('verify'))
    .description('Verify a packet, a log or a part of it, offline (docs/reference/verify.md); exit code 1 when it does not verify')
    .argument('<place>', 'a packet (PDF), or a log: the directory of its tiles, or its http(s) address')
    .option(
      '--policy <file>',
      'what you trust: a C2SP tlog-policy, or just the public key (vkey) of the log; got from elsewhere than what is verified',
    )
    .option('--key <file>', 'the same as --policy')
    .option('--since <file>', 'a checkpoint you kept from an earlier check; may be given several times for a log', collect, [])
    .option('--log <place>', "for a packet with --since: the log's tiles, when no consistency proof is attached")
    .option('--from <leaf>', 'only the leaves from this index, or of events from this time on')
    .option('--to <leaf>', 'only the leaves below this index, or of events before this time')
    .option(
      '--events <place>',
      "also compare the ledger store's rows: a directory of `affiant ledger export`, or `instance` for the running one",
    )
    .option('--token <token>', 'access token, for --events instance')
    .action(async (place: string, options: VerifyCommand) => {
      const given = options.policy ?? options.key;
      const policy = given === undefined ? null : readPolicyFile(await readText(given));
      const since = await Promise.all(options.since.map(async (name): Promise<Since> => ({ name, note: await readBytes(name) })));
      const source = await logAt(place);
      const report = source === null ? await packet(place, policy, since, options) : await log(source, policy, since, options);
      if (options.json === true) printJson(report.whole);
      else process.stdout.write(reportText(report));
      if (!report.ok) finding();
    });
};

type Report = Printable & { readonly whole: unknown };

async function packet(file: string, policy: VerifyPolicy | null, since: readonly Since[], options: VerifyCommand): Promise<Report> {
  if (options.from !== undefined || options.to !== undefined || options.events !== undefined)
    throw new AffiantError('usage_invalid', '--from, --to and --events are for a log, and this is a file', { where: file });
  if (since.length > 1) throw new AffiantError('usage_invalid', 'one --since is enough for a packet: the newest you kept');
  const bytes = await readBytes(file);
  if (policy === null) {
    const whole = await verifyPacket(bytes);
    const open = ['Who made it: no key was given, so the packet was only compared with itself. Give the log’s key with --policy.'];
    return { ...whole, whole, bad: whole.problems, bad_count: whole.problems.length, proves: [], does_not_prove: open, notes: [] };
  }
  const tiles = options.log === undefined ? null : await logAt(options.log);
  const whole = await verifyPacketByPolicy(bytes, {
    policy,
    ...(since[0] === undefined ? {} : { since: since[0] }),
    ...(tiles === null ? {} : { log: tiles }),
  });
  return { ...whole, whole, bad: whole.problems, bad_count: whole.problems.length, notes: [] };
}

async function log(
  source: Parameters<typeof verifyLog>[0],
  policy: VerifyPolicy | null,
  since: readonly Since[],
  options: VerifyCommand,
): Promise<Report> {
  if (policy === null)
    throw new AffiantError('usage_invalid', 'a log is verified under a trust policy', {
      remedy: "Give --policy FILE: the log's public key (vkey) is enough.",
    });
  const whole = await verifyLog(source, policy, since, options);
  return { ...whole, whole, bad: whole.findings, bad_count: whole.finding_count };
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'the file cannot be read', { where: file, cause, remedy: 'Name an existing, readable file.' });
  }
}
