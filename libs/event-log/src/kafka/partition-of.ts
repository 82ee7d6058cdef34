import { hash } from 'node:crypto';

/**
 * The partition of a source, the same for every topic and for ever: the first 48 bits of SHA-256 of the id, modulo the number of partitions.
 * Changing the number would move sources and so break the order of their events: `affiant topics apply` refuses it.
 */
export function partitionOf(sourceId: string, partitions: number): number {
  return hash('sha256', sourceId, 'buffer').readUIntBE(0, 6) % partitions;
}

/** Name of a topic-partition as the EventLog port has it. */
export const partitionName = (topic: string, partition: number): string => `${topic}/${partition}`;

/** @returns null for what is no such name */
export function parsePartition(name: string): { topic: string; partition: number } | null {
  const match = /^(?<topic>[^/]+)\/(?<partition>0|[1-9]\d{0,8})$/.exec(name);
  return match?.groups === undefined ? null : { topic: match.groups['topic'] as string, partition: Number(match.groups['partition']) };
}
