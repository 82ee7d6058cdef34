import type { AnchorHealth } from '#apps/ledger';
import { timestampStatus, witnessStatus, type StatusReport, type StatusSource } from '#apps/console';
import type { Gateway, PolicySource } from '#apps/proxy';
import type { ApprovalBook } from '#catalogue';
import { packageVersion } from '#config';
import type { Clock } from '#events';
import type { Journal } from '#journal';
import { LoopDelay, type MetricsReading } from '#observability';
import type { LedgerSupervisor } from './ledger-supervisor.js';

const HOLDS_READ = 1_000;

export interface StatusParts {
  readonly startedAt: number;
  readonly gateway: () => Gateway | null;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly highWaterBytes: number;
  readonly supervisor: LedgerSupervisor;
  readonly policies: PolicySource;
  readonly approvals: ApprovalBook;
}

/** Health of the whole process from what each part knows already. */
export class ProcessStatus implements StatusSource {
  readonly #delay = new LoopDelay();

  constructor(private readonly parts: StatusParts) {}

  /** Watches the event loop from here on: what the start itself held it is nobody's wait. */
  watchEventLoop(): void {
    this.#delay.start();
  }

  async status(): Promise<StatusReport> {
    const { startedAt, gateway, journal, highWaterBytes, supervisor, policies, approvals } = this.parts;
    const health = supervisor.health;
    const listening = gateway();
    const { version, digest } = policies.current();
    const nearlyFull = journal.pendingBytes > highWaterBytes / 2;
    return {
      state: health?.halted != null ? 'halted' : health === null || nearlyFull ? 'degraded' : 'ok',
      version: packageVersion,
      started_at: startedAt,
      gateway: { in_flight: listening?.inFlight ?? 0, draining: listening?.draining ?? true },
      journal: { pending_bytes: journal.pendingBytes, high_water_bytes: highWaterBytes, durable_seq: journal.durableSeq },
      ledger: {
        lag: health === null ? journal.durableSeq : health.unsealed,
        sealed_size: health?.sealedSize ?? 0,
        last_seal_at: health?.lastSealAt ?? null,
        halted: health?.halted != null,
      },
      siem: supervisor.siem,
      ...(supervisor.anchor === null ? {} : { witnesses: witnessStatus(factsOf(supervisor.anchor)) }),
      ...(supervisor.stamps === null ? {} : { timestamps: timestampStatus(supervisor.stamps.authorities) }),
      event_loop: this.#delay.read(),
      policy: { version, digest },
      approvals: { pending: (await approvals.list({ state: 'pending', limit: HOLDS_READ })).length },
    };
  }

  /** The same facts for a scrape of `/metrics`. While the ledger is away its figures are unknown, not 0. */
  async reading(): Promise<MetricsReading> {
    const { clock, gateway, journal, highWaterBytes, supervisor, approvals } = this.parts;
    const { health } = supervisor;
    const listening = gateway();
    const pending = await approvals.list({ state: 'pending', limit: HOLDS_READ });
    return {
      ledger: {
        up: health !== null,
        leader: true,
        halted: health?.halted != null,
        ingestLag: health?.ingestLag ?? null,
        unsealed: health?.unsealed ?? null,
        sealedSize: health?.sealedSize ?? null,
        sealedRound: health?.sealedRound ?? null,
        lastSealUs: health?.lastSealAt ?? null,
      },
      ...(health === null || supervisor.anchor === null ? {} : { anchor: supervisor.anchor }),
      ...(health === null || supervisor.stamps === null ? {} : { stamps: supervisor.stamps }),
      journal: { pendingBytes: journal.pendingBytes, highWaterBytes, durableSeq: journal.durableSeq },
      clock: { offsetUs: clock.offsetUs() },
      holds: {
        pending: pending.length,
        oldestUs: pending.length === 0 ? null : Math.min(...pending.map((approval) => approval.created_at)) * 1_000,
      },
      gateway: { inFlight: listening?.inFlight ?? 0, draining: listening?.draining ?? true },
    };
  }

  stop(): void {
    this.#delay.stop();
  }
}

const factsOf = ({ quorum, witnesses, size, lastUs }: AnchorHealth): Parameters<typeof witnessStatus>[0] => ({
  configured: witnesses.length,
  quorum,
  size,
  lastUs,
  failing: witnesses.flatMap(({ name, failing }) => (failing === null ? [] : [{ witness: name, reason: failing }])),
});
