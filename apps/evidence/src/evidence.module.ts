import {
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { PACKET_JOB, startPacketSweep, type PacketJob } from '#packet-desk';
import { makePacket } from './deliver/make-packet.js';
import type { EvidencePorts } from './deliver/ports.js';

export const EVIDENCE_PORTS = Symbol('EvidencePorts');

/** Takes packet jobs off the queue, and puts in again what the queue lost. The queue is closed by whoever built it. */
@Injectable()
export class PacketWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #stopSweep: () => Promise<void> = async () => undefined;

  constructor(@Inject(EVIDENCE_PORTS) private readonly ports: EvidencePorts) {}

  onApplicationBootstrap(): void {
    this.ports.jobs.work(PACKET_JOB, (payload) => makePacket(this.ports, payload as PacketJob));
    this.#stopSweep = startPacketSweep(this.ports);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#stopSweep();
  }
}

@Module({})
export class EvidenceModule {
  /** Over ports the composition root has built. */
  static register(ports: EvidencePorts): DynamicModule {
    return { module: EvidenceModule, providers: [{ provide: EVIDENCE_PORTS, useValue: ports }, PacketWorker] };
  }
}
