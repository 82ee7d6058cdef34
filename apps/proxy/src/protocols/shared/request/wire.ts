import type { OutlineMember } from '#wire';
import type { RuleOutcome } from '#policy';
import type { ScreenContext } from '../../protocol.js';
import type { LeafWords, PlacedLeaf } from '../leaf-collector.js';
import type { PieceKind } from './piece-kind.js';

/** What a body says outside its text. */
export interface BodyFacts {
  readonly model: string | null;
  readonly stream: boolean;
  /** Session the body itself names. Correlation only. */
  readonly sessionHint: string | null;
  /** Members that carry nothing but ids of the known forms: they are no text and stay. */
  readonly idMembers: ReadonlySet<string>;
}

/** How requests of one protocol are read; the way they are screened is the same for all. */
export interface RequestWire {
  readonly words: LeafWords;
  /** Members whose elements are cut apart: what an agent resends and extends. */
  readonly splitMembers: ReadonlySet<string>;
  /** Top-level members that are no content: names, switches, numbers in words. */
  readonly opaqueMembers: ReadonlySet<string>;
  /** Members that a retry or the non-stream twin changes. */
  readonly notOfTheCall: ReadonlySet<string>;
  /** What a top-level member is; `isSplit` when its elements are pieces. */
  kindOf(member: string, isSplit: boolean): Exclude<PieceKind, 'glue'>;
  facts(body: Buffer, members: readonly OutlineMember[]): BodyFacts;
  /** Tools without a name go by their type. */
  readonly namesToolsByType: boolean;
  /** True for text the provider reads literally: it stays. */
  staysAsIs(member: string, text: string): boolean;
  /** True for a string that itself is JSON: the input of a tool call. */
  isJsonText(leaf: PlacedLeaf): boolean;
  /** Members that may refer to content we never saw; null when the wire has none. */
  readonly referringMembers: ReadonlySet<string> | null;
  /** True when such a member does. Its text goes to `refusals`. */
  refersElsewhere?(key: string, text: string): boolean;
  /** What the gateway itself refuses, whatever the policies say. `references` are the texts `refersElsewhere` named. */
  refusals?(body: Buffer, members: readonly OutlineMember[], references: readonly string[], context: ScreenContext): readonly RuleOutcome[];
}
