import type { ApprovalBook } from '#catalogue';
import { packageVersion, type TimestampsConfig, type WitnessesConfig } from '#config';
import { LoopDelay, type MetricsReading } from '#observability';
import type { PolicySet } from '#policy';
import type { Source } from '#service';
import type { StatusReport, StatusSource } from '../ports.js';
import { timestampStatus } from '../timestamp-status.js';
import { witnessStatus } from '../witness-status.js';
import type { LedgerState, LedgerStateReader } from './ledger-state.js';

const HOLDS_READ = 1_000;
/** While there is something to seal, a round should have come in this time. */
const SEAL_OVERDUE_US = 60_000_000;

export interface ConsoleStatusParts {
  readonly startedAt: number;
  readonly source: Source;
  readonly highWaterBytes: number;
  readonly ledger: LedgerStateReader;
  readonly policies: { current(): Pick<PolicySet, 'version' | 'digest'> };
  readonly approvals: ApprovalBook;
  readonly nowUs: () => number;
  readonly witnesses: WitnessesConfig;
  readonly timestamps: TimestampsConfig;
}

/** What a console alone can know: its own journal, and the ledger as it stands in Kafka and in the store. The gateways have metrics of their own. */
export class ConsoleStatus implements StatusSource {
  readonly #delay = new LoopDelay();

  constructor(private readonly parts: ConsoleStatusParts) {
    this.#delay.start();
  }

  async status(): Promise<StatusReport> {
    const { startedAt, source, highWaterBytes, policies, approvals } = this.parts;
    const { journal } = source;
    const [ledger, pending] = await Promise.all([this.parts.ledger.read(), approvals.list({ state: 'pending', limit: HOLDS_READ })]);
    const { version, digest } = policies.current();
    return {
      state: this.#isWell(ledger) && journal.pendingBytes < highWaterBytes / 2 ? 'ok' : 'degraded',
      version: packageVersion,
      started_at: startedAt,
      gateway: null,
      journal: { pending_bytes: journal.pendingBytes, high_water_bytes: highWaterBytes, durable_seq: journal.durableSeq },
      ledger: {
        lag: ledger.unsealed ?? journal.durableSeq,
        sealed_size: ledger.sealedSize ?? 0,
        last_seal_at: ledger.lastSealAt,
        halted: false,
      },
      ...(await this.#witnesses()),
      ...(await this.#timestamps()),
      event_loop: this.#delay.read(),
      policy: { version, digest },
      approvals: { pending: pending.length },
    };
  }

  async reading(): Promise<MetricsReading> {
    const [ledger, pending] = await Promise.all([
      this.parts.ledger.read(),
      this.parts.approvals.list({ state: 'pending', limit: HOLDS_READ }),
    ]);
    return {
      holds: {
        pending: pending.length,
        oldestUs: pending.length === 0 ? null : Math.min(...pending.map((approval) => approval.created_at)) * 1_000,
      },
      consumers: [{ group: 'ledger.ingest', topic: 'all', lag: ledger.ingestLag }],
    };
  }

  stop(): void {
    this.#delay.stop();
  }

  /** As far as the store tells: which of them fails only the process knows that asks them. Left out while the store does not answer. */
  async #witnesses(): Promise<Pick<StatusReport, 'witnesses'>> {
    const { members, quorum = Math.floor(members.length / 2) + 1 } = this.parts.witnesses;
    const known = { configured: members.length, quorum, failing: [] };
    if (members.length === 0) return { witnesses: witnessStatus({ ...known, size: 0, lastUs: null }) };
    try {
      const newest = await this.parts.ledger.anchored();
      return { witnesses: witnessStatus({ ...known, size: newest?.size ?? 0, lastUs: newest?.atUs ?? null }) };
    } catch {
      return {};
    }
  }

  /** By what the ledger told of its stamps. Left out while the store does not answer. */
  async #timestamps(): Promise<Pick<StatusReport, 'timestamps'>> {
    const { authorities } = this.parts.timestamps;
    if (authorities.length === 0) return { timestamps: timestampStatus([]) };
    try {
      const told = await this.parts.ledger.stamped();
      const never = { lastUs: null, failing: null, size: 0, expiresUs: null };
      return { timestamps: timestampStatus(authorities.map(({ name }) => ({ ...never, ...told.get(name), name }))) };
    } catch {
      return {};
    }
  }

  #isWell({ unsealed, lastSealAt }: LedgerState): boolean {
    if (unsealed === null) return false;
    return unsealed === 0 || (lastSealAt !== null && this.parts.nowUs() - lastSealAt < SEAL_OVERDUE_US);
  }
}
