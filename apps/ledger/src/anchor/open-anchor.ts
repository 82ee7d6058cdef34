import type { WitnessesConfig } from '#config';
import { AnchorLoop } from './anchor-loop.js';
import type { AnchorPorts } from './ports.js';
import { WitnessClient } from './witness-client.js';

/** More than half of them. */
const majority = (members: number): number => Math.floor(members / 2) + 1;

/** The anchor loop over the witnesses of the configuration, started. @throws AffiantError key_invalid */
export function openAnchor(
  { members, quorum = majority(members.length), interval, timeout }: WitnessesConfig,
  origin: string,
  ports: Omit<AnchorPorts, 'witnesses' | 'options'>,
): AnchorLoop {
  const witnesses = members.map((member) => new WitnessClient({ ...member, timeoutMs: timeout }));
  const loop = new AnchorLoop({ ...ports, witnesses, options: { origin, quorum, interval } });
  loop.start();
  return loop;
}
