import { AffiantError } from '#errors';
import { parseTrustPolicy, type TrustPolicy } from '#tlog';

/**
 * Trust policy from the text of a file: a C2SP tlog-policy, or just the log's vkey in one line, which stands for that log without witnesses.
 * It comes from the person who verifies, never from what is verified. @throws AffiantError config_invalid, key_invalid
 */
export function readPolicyFile(text: string): TrustPolicy {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const single = lines.length === 1 ? lines[0]!.trim() : '';
  if (single !== '' && !/\s/.test(single)) return policyOfVkey(single);
  const policy = parseTrustPolicy(text);
  if (policy.logs.length === 0)
    throw new AffiantError('config_invalid', 'the trust policy names no log, so nothing could be verified by it');
  return policy;
}

/** The policy that trusts one log key and asks for no witness. @throws AffiantError config_invalid, key_invalid */
export function policyOfVkey(vkey: string): TrustPolicy {
  return parseTrustPolicy(`log ${vkey}\nquorum none\n`);
}
