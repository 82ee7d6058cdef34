import { createHash } from 'node:crypto';
import { AffiantError, toAffiantError } from '#errors';
import { ENTITY_TYPES, isEntityType, RULE_VERSIONS, wantedOf } from './entity-types.js';
import { Sieve } from './engine/sieve.js';
import { Scanner, type Rules } from './engine/stream.js';
import type { PatternCost } from './patterns/compiled.js';
import { areTooMuch, scanSteps, unitsFor } from './patterns/cost.js';
import { MAX_PATTERNS, type CompiledPattern } from './patterns/compile.js';
import { finderOf } from './patterns/finder.js';
import type { Assessor, Detector, ScanStream, Span } from './port.js';

/** Raised when normalisation, preference or streaming changes. */
const ENGINE_VERSION = 2;

/** See Detector.maxHold: the longest value masked as one span (an API token, 268) and the longest unfinished one that begins inside it (an address, 155). */
const MAX_HOLD = 448;

/** Detectors already built; one per set of types and patterns. */
const built = new Map<string, Detector>();
const MAX_BUILT = 256;

/**
 * A detector for these entity types and patterns. The same set gives the same object. Without `assessor` every candidate of DEFAULT_MIN_SCORE counts.
 * @throws AffiantError config_invalid for a name that is neither a built-in type nor one of `patterns`, or too many patterns
 */
export function createDetector(
  types: readonly string[],
  patterns: readonly CompiledPattern[] = [],
  assessor: Assessor | null = null,
): Detector {
  const named = patterns.filter(({ name }) => types.includes(name));
  const unknown = types.find((type) => !isEntityType(type) && !named.some(({ name }) => name === type));
  if (unknown !== undefined) {
    throw new AffiantError('config_invalid', `There is no entity type or pattern "${unknown}".`, {
      remedy: `Use one of ${ENTITY_TYPES.join(', ')}, or define it under patterns.`,
    });
  }
  if (named.length > MAX_PATTERNS) throw new AffiantError('config_invalid', `${named.length} patterns; the limit is ${MAX_PATTERNS}.`);
  if (areTooMuch(costsOf(named)))
    throw new AffiantError('config_invalid', 'The patterns of one policy set together take too long on texts written against them.', {
      remedy: 'Put bounds on the repetitions of the slowest: `affiant policy check` names them.',
    });
  const version = versionOf(types, named, assessor);
  const known = built.get(version);
  if (known !== undefined) return known;
  if (built.size >= MAX_BUILT) built.clear();
  const detector = new RuleDetector(types, named, assessor, version);
  built.set(version, detector);
  return detector;
}

const costsOf = (patterns: readonly CompiledPattern[]): PatternCost[] =>
  patterns.flatMap((pattern) => (pattern.kind === 'regex' ? [pattern.cost] : []));

function versionOf(types: readonly string[], patterns: readonly CompiledPattern[], assessor: Assessor | null): string {
  const rules = ENTITY_TYPES.filter((type) => types.includes(type)).map((type) => `${type}@${RULE_VERSIONS[type]}`);
  const custom = patterns.map(({ name, source, context }) => JSON.stringify([name, source, context])).sort();
  return createHash('sha256')
    .update(JSON.stringify([ENGINE_VERSION, rules, custom, assessor?.key ?? null]))
    .digest('hex')
    .slice(0, 16);
}

class RuleDetector implements Detector {
  readonly types: readonly string[];
  readonly maxHold = MAX_HOLD;
  readonly pieceUnits: number;
  private readonly rules: Rules;

  constructor(
    types: readonly string[],
    patterns: readonly CompiledPattern[],
    assessor: Assessor | null,
    readonly version: string,
  ) {
    this.types = [...ENTITY_TYPES.filter((type) => types.includes(type)), ...patterns.map(({ name }) => name)];
    const wanted = wantedOf(new Set(this.types));
    const costs = costsOf(patterns);
    const pieceUnits = unitsFor(costs);
    this.pieceUnits = pieceUnits;
    this.rules = {
      wanted,
      sieve: new Sieve(wanted),
      patterns: patterns.map((pattern) => finderOf(pattern, assessor)),
      steps: costs.length === 0 ? null : (units) => scanSteps(costs, pieceUnits, units),
      assessor,
    };
  }

  scan(text: string): Span[] {
    try {
      return new Scanner(this.rules).whole(text);
    } catch (error) {
      throw failed(error);
    }
  }

  safeCut(text: string): number {
    const stream = this.open();
    stream.push(text);
    return stream.settled;
  }

  open(): ScanStream {
    return new GuardedStream(new Scanner(this.rules));
  }
}

/** Turns whatever goes wrong in a rule into detector_failed, once and for all: a stream that failed gives nothing more. */
class GuardedStream implements ScanStream {
  private failure: AffiantError | null = null;

  constructor(private readonly inner: ScanStream) {}

  get settled(): number {
    return this.inner.settled;
  }

  get length(): number {
    return this.inner.length;
  }

  push(piece: string): readonly Span[] {
    return this.guard(() => this.inner.push(piece));
  }

  end(): readonly Span[] {
    return this.guard(() => this.inner.end());
  }

  private guard(step: () => readonly Span[]): readonly Span[] {
    if (this.failure !== null) throw this.failure;
    try {
      return step();
    } catch (error) {
      this.failure = failed(error);
      throw this.failure;
    }
  }
}

function failed(error: unknown): AffiantError {
  return toAffiantError(error, 'detector_failed', 'A detector failed on this text.');
}
