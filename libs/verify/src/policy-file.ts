import { AffiantError } from '#errors';
import { readCertificates } from '#timestamp';
import { parseTrustPolicy, type TrustPolicy } from '#tlog';

/** A time stamp authority that the reader trusts. */
export interface TrustedAuthority {
  /** As the log's operator names it: the stamps' paths begin with it. */
  readonly name: string;
  /** DER of the root certificates its chains must end in. */
  readonly roots: readonly Buffer[];
}

/** Whom the person who verifies trusts. */
export interface VerifyPolicy extends TrustPolicy {
  /** Each of them must have stamped. None: no stamp is checked, and the report says so. */
  readonly authorities?: readonly TrustedAuthority[];
}

const AUTHORITY = /^authority[ \t]+([a-z0-9][a-z0-9._-]{0,63})[ \t]*$/;

/**
 * Trust policy from the text of a file: a C2SP tlog-policy, or just the log's vkey in one line, which stands for that log without witnesses. Lines
 * `authority NAME`, each followed by the PEM certificates of its roots, may come after it. It comes from the person who verifies, never from what is
 * verified. @throws AffiantError config_invalid, key_invalid
 */
export function readPolicyFile(text: string): VerifyPolicy {
  const [logs, ...sections] = text.split(/^(?=authority[ \t])/m);
  const authorities = sections.map(readAuthority);
  if (new Set(authorities.map(({ name }) => name)).size < authorities.length)
    throw new AffiantError('config_invalid', 'the trust policy names a time stamp authority twice');
  return { ...readLogs(logs ?? ''), authorities };
}

/** The policy that trusts one log key and asks for no witness. @throws AffiantError config_invalid, key_invalid */
export function policyOfVkey(vkey: string): VerifyPolicy {
  return parseTrustPolicy(`log ${vkey}\nquorum none\n`);
}

function readLogs(text: string): TrustPolicy {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const single = lines.length === 1 ? lines[0]!.trim() : '';
  if (single !== '' && !/\s/.test(single)) return policyOfVkey(single);
  const policy = parseTrustPolicy(text);
  if (policy.logs.length === 0)
    throw new AffiantError('config_invalid', 'the trust policy names no log, so nothing could be verified by it');
  return policy;
}

function readAuthority(section: string): TrustedAuthority {
  const [line = '', ...pem] = section.split(/\r?\n/);
  const name = AUTHORITY.exec(line)?.[1];
  if (name === undefined) throw new AffiantError('config_invalid', `trust policy: cannot read the line ${JSON.stringify(line)}`);
  try {
    const text = pem.join('\n');
    // What is between the certificates would be passed over: a line that belongs to the policy would be lost.
    if (text.replace(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g, '').trim() !== '') throw new Error('not a certificate');
    return { name, roots: readCertificates(text) };
  } catch (cause) {
    throw new AffiantError('config_invalid', `trust policy: authority ${name} is not followed by PEM certificates alone`, { cause });
  }
}
