import type { OutlineMember } from '#wire';

const LONGEST_FACT = 4_096;

/** The value of a top-level member, when it is small enough to say something about the call; undefined otherwise. */
export function smallValue(body: Buffer, members: readonly OutlineMember[], name: string): unknown {
  const member = members.find((candidate) => candidate.name === name);
  if (member === undefined || member.end - member.valueStart > LONGEST_FACT) return undefined;
  return parseJson(body.toString('utf8', member.valueStart, member.end));
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
