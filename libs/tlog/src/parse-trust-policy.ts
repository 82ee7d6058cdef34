import { AffiantError, isAffiantError } from '#errors';
import { cosignerKey } from './cosignature.js';
import { noteKey } from './note.js';
import type { PolicyGroup, PolicyLog, PolicyWitness, TrustPolicy } from './trust-policy.js';

const MAX_BYTES = 1_000_000;
/** The spec asks for at least 32 of each. */
const MAX_ENTRIES = 1_000;

/**
 * Reads the text of a trust policy (C2SP tlog-policy). Witness keys are Ed25519 (signature type 4); a file that is not UTF-8 is refused.
 * @throws AffiantError config_invalid, `where` says `line N`
 */
export function parseTrustPolicy(text: string | Uint8Array): TrustPolicy {
  const whole = toText(text);
  const parser = new PolicyParser();
  whole.split('\n').forEach((line, index) => {
    try {
      parser.take(line);
    } catch (error) {
      if (!isAffiantError(error)) throw error;
      throw invalid(error.message, `line ${index + 1}`);
    }
  });
  return parser.end();
}

class PolicyParser {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups: PolicyGroup[] = [];
  /** Names of witnesses and groups, and whether a group has them already. */
  readonly #names = new Map<string, { member: boolean }>();
  /** Public keys seen: one wrapped twice would count as two witnesses. */
  readonly #keys = new Set<string>();
  #quorum: string | null | undefined;

  take(line: string): void {
    need(!hasControl(line), 'a control character');
    const [word, ...rest] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (word === undefined || word.startsWith('#')) return;
    if (word === 'log') this.#log(rest);
    else if (word === 'witness') this.#witness(rest);
    else if (word === 'group') this.#group(rest);
    else if (word === 'quorum') this.#takeQuorum(rest);
    else throw invalid(`unknown keyword ${JSON.stringify(word)}; there are log, witness, group and quorum`);
    need(this.#logs.length + this.#names.size <= MAX_ENTRIES, `more than ${MAX_ENTRIES} entries`);
  }

  end(): TrustPolicy {
    if (this.#quorum === undefined) throw invalid('no quorum line; write `quorum none` to ask for no witness', 'end of file');
    return { logs: this.#logs, witnesses: this.#witnesses, groups: this.#groups, quorum: this.#quorum };
  }

  #log([vkey, url, ...more]: readonly string[]): void {
    need(vkey !== undefined && more.length === 0, 'the form is: log <vkey> [<url>]');
    const key = noteKey(vkey);
    this.#once('log', key.vkey.publicKey);
    this.#logs.push({ ...key, url: url ?? null });
  }

  #witness([name, vkey, url, ...more]: readonly string[]): void {
    need(name !== undefined && vkey !== undefined && more.length === 0, 'the form is: witness <name> <vkey> [<url>]');
    const key = cosignerKey(vkey);
    this.#once('witness', key.vkey.publicKey);
    this.#define(name);
    this.#witnesses.push({ name, key, url: url ?? null });
  }

  #group([name, count, ...members]: readonly string[]): void {
    need(name !== undefined && count !== undefined && members.length > 0, 'the form is: group <name> <k|any|all> <member>...');
    const threshold = thresholdOf(count, members.length);
    for (const member of members) {
      const known = this.#names.get(member);
      need(known !== undefined, `${JSON.stringify(member)} is not defined above`);
      need(!known.member, `${JSON.stringify(member)} is a member already, of this group or another`);
      known.member = true;
    }
    this.#define(name);
    this.#groups.push({ name, threshold, members });
  }

  #takeQuorum([name, ...more]: readonly string[]): void {
    need(name !== undefined && more.length === 0, 'the form is: quorum <name|none>');
    need(this.#quorum === undefined, 'a second quorum line');
    need(name === 'none' || this.#names.has(name), `${JSON.stringify(name)} is not defined above`);
    this.#quorum = name === 'none' ? null : name;
  }

  #define(name: string): void {
    need(name !== 'none', '`none` is a word of the format and cannot be defined');
    need(!this.#names.has(name), `${JSON.stringify(name)} is defined twice`);
    this.#names.set(name, { member: false });
  }

  #once(what: string, publicKey: Buffer): void {
    const id = `${what} ${publicKey.toString('hex')}`;
    need(!this.#keys.has(id), `the key of this ${what} is in the policy already`);
    this.#keys.add(id);
  }
}

function thresholdOf(count: string, members: number): number {
  if (count === 'any') return 1;
  if (count === 'all') return members;
  need(/^[1-9]\d{0,5}$/.test(count) && Number(count) <= members, `the count is any, all, or a number from 1 to ${members}`);
  return Number(count);
}

function toText(text: string | Uint8Array): string {
  need(text.length <= MAX_BYTES, 'the trust policy is too large');
  if (typeof text === 'string') return text;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch (cause) {
    throw new AffiantError('config_invalid', 'the trust policy is not UTF-8', { cause });
  }
}

/** The only control characters of the format are tab and newline. */
function hasControl(line: string): boolean {
  for (let index = 0; index < line.length; index += 1) {
    const unit = line.charCodeAt(index);
    if ((unit < 0x20 && unit !== 0x09) || unit === 0x7f) return true;
  }
  return /\p{Cs}/u.test(line);
}

function invalid(message: string, where?: string): AffiantError {
  return new AffiantError('config_invalid', message, where === undefined ? {} : { where });
}

function need(condition: boolean, message: string): asserts condition {
  if (!condition) throw invalid(message);
}
