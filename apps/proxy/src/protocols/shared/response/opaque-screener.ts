import { AffiantError } from '#errors';
import type { Steps } from '#wire';
import { Findings } from '../../../mask/findings.js';
import type { ResponseFacts, ResponseScreener, ScreenContext, ScreenStep } from '../../protocol.js';
import { FactsOfResponse } from './facts.js';

/** A response of a type we cannot read: refused as soon as policy wants anything looked at, else passed on. The last chunk waits for end(). */
export class OpaqueScreener implements ResponseScreener {
  private readonly record: FactsOfResponse;
  private readonly mustRead: boolean;
  private last: Buffer | null = null;

  constructor(
    { policy }: ScreenContext,
    private readonly contentType: string,
  ) {
    this.record = new FactsOfResponse(new Findings(policy));
    this.mustRead =
      policy.responseDetector !== null || policy.toolInputDetector !== null || policy.readsResponseText || policy.readsToolInput;
  }

  get bufferedBytes(): number {
    return this.last?.length ?? 0;
  }

  push(chunk: Buffer): ScreenStep {
    if (chunk.length === 0) return { release: [] };
    if (this.mustRead) {
      const shown = /^[\w.+-]+\/[\w.+-]+$/.test(this.contentType) ? this.contentType : 'unknown';
      throw new AffiantError('stream_invalid', `A response of type ${shown} cannot be screened.`);
    }
    const release = this.last === null ? [] : [this.last];
    this.last = chunk;
    return { release };
  }

  end(): ScreenStep {
    const release = this.last === null ? [] : [this.last];
    this.last = null;
    this.record.complete = true;
    return { release };
  }

  // oxlint-disable-next-line require-yield
  *pushing(chunk: Buffer): Steps<ScreenStep> {
    return this.push(chunk);
  }

  // oxlint-disable-next-line require-yield
  *ending(): Steps<ScreenStep> {
    return this.end();
  }

  resolve(): ScreenStep {
    return { release: [] };
  }

  facts(): ResponseFacts {
    return this.record.facts();
  }
}
