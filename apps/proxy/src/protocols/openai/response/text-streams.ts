import type { Steps } from '#wire';
import { outcomesOf, type Findings } from '../../../mask/findings.js';
import { askDetector } from '../../../mask/guard.js';
import type { MaskRules } from '../../../mask/leaf.js';
import type { Seam } from '../../../mask/seam.js';
import { RestoreStream } from '../../../mask/restore-stream.js';
import { insert, isRestoration } from '../../../mask/restorer.js';
import { StreamMasker, type Replacement } from '../../../mask/stream-masker.js';
import type { FactsOfResponse } from '../../shared/response/facts.js';
import { TextChannel } from '../../shared/response/text-channel.js';
import type { Parts } from './parts.js';
import { isInSequence } from './places.js';
import { shiftOffset } from './shift-offset.js';

/** What comes in deltas: a text, or the input of a tool. */
export interface StreamKind {
  /** Where in the answer it stands. */
  readonly slot: string;
  /** Tells apart what comes side by side at one slot. */
  readonly key: string;
  /** Null for text. */
  readonly tool: string | null;
  readonly isJson: boolean;
}

/** One text under way. */
export interface TextStream extends StreamKind {
  readonly channel: TextChannel;
  /** The text so far; replacements decided so far. */
  heard: string;
  readonly replacements: Replacement[];
  isClosed: boolean;
}

/** The texts of an answer that come in deltas. */
export class TextStreams {
  private readonly streams = new Map<string, TextStream>();
  private readonly seam: Seam | null;

  constructor(
    private readonly parts: Parts,
    private readonly findings: Findings,
    private readonly rules: MaskRules | null,
    private readonly record: FactsOfResponse,
  ) {
    this.seam = parts.seam();
  }

  /** True when policy wants to see texts (or tool inputs) at all. */
  reads(isTool: boolean): boolean {
    return isTool ? this.parts.readsTools : this.rules !== null || this.parts.keepsText || this.parts.restorer !== null;
  }

  /** The stream of that kind; begun when it is new. */
  of(kind: StreamKind): TextStream {
    const id = `${kind.slot} ${kind.key}`;
    let stream = this.streams.get(id);
    if (stream === undefined || stream.isClosed) {
      const { rules } = this;
      const masker =
        rules === null || kind.tool !== null ? null : askDetector(() => new StreamMasker(rules.detector, rules.judge, rules.placeholder));
      const { restorer } = this.parts;
      const restore = restorer === null || kind.tool !== null ? null : new RestoreStream(restorer);
      const channel = new TextChannel(masker, kind.tool !== null || this.parts.keepsText, restore);
      stream = { ...kind, channel, heard: '', replacements: [], isClosed: false };
      this.streams.set(id, stream);
    }
    return stream;
  }

  /** Takes the next piece of a text. @throws AffiantError detector_failed */
  push(stream: TextStream, piece: string): void {
    stream.heard += piece;
    this.note(
      stream,
      askDetector(() => stream.channel.push(piece)),
    );
  }

  /** Ends the texts that `ends` names. @throws AffiantError detector_failed, policy_failed */
  *close(ends: (stream: TextStream) => boolean): Steps<void> {
    for (const stream of this.streams.values()) if (!stream.isClosed && ends(stream)) yield* this.closeOne(stream);
  }

  /** True when this very text came in deltas at the slot, and its values were counted then. */
  hasHeard(slot: string, text: string): boolean {
    for (const stream of this.streams.values()) if (stream.slot === slot && stream.tool === null && stream.heard === text) return true;
    return false;
  }

  /** An offset into a text under way, as it will be once its values are replaced. */
  shifted(slot: string, key: string, offset: number, isEnd: boolean, forTrail: boolean): number {
    const stream = this.streams.get(`${slot} ${key}`);
    if (stream === undefined) return offset;
    const carried = stream.replacements.filter((one) => stream.channel.carries(one, forTrail));
    return shiftOffset(stream.heard, carried, offset, isEnd);
  }

  private note(stream: TextStream, replacements: readonly Replacement[]): void {
    insert(
      stream.replacements,
      replacements.filter((one) => !isRestoration(one)),
      replacements.filter(isRestoration),
    );
    if (this.parts.restorer !== null && stream.tool === null) this.record.gaveBack('text', replacements);
    if (replacements.some(({ action }) => action === 'block'))
      this.parts.refuse(outcomesOf(this.findings.list()).filter((outcome) => outcome.action === 'block'));
  }

  private *closeOne(stream: TextStream): Steps<void> {
    stream.isClosed = true;
    const { channel, slot, tool, heard, isJson } = stream;
    this.note(
      stream,
      askDetector(() => channel.end()),
    );
    if (tool === null && isInSequence(slot)) this.seam?.whole(heard);
    if (!channel.isKept) return;
    const part = tool === null ? yield* this.parts.text(slot, heard, true) : yield* this.parts.tool(slot, tool, heard, isJson);
    part.onRelease((granted) => {
      channel.setReplacements(part.replacements);
      channel.release(granted);
    });
  }
}
