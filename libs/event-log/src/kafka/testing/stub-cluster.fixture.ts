import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  array,
  int16,
  int32,
  int64,
  readRecordBatch,
  string,
  WireReader,
  type StubRecord,
  type StubRecordBatch,
} from './kafka-wire.fixture.js';

export const ERROR = { outOfOrderSequence: 45, messageTooLarge: 10, notLeader: 6 } as const;

export interface ProducedPart extends StubRecordBatch {
  readonly topic: string;
  readonly partition: number;
}

export interface ProduceRequest {
  readonly node: number;
  readonly acks: number;
  readonly parts: readonly ProducedPart[];
}

export interface AnsweredPart {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: number;
}

/** What a broker does with a produce request; null cuts the connection instead of an answer. May call `append`. */
export type OnProduce = (
  request: ProduceRequest,
  append: (part: ProducedPart) => AnsweredPart,
) => readonly AnsweredPart[] | null | Promise<readonly AnsweredPart[] | null>;

const PRODUCE = 0;
const METADATA = 3;
const API_VERSIONS = 18;
const INIT_PRODUCER_ID = 22;
const CONTROLLER = 1;
const NULL_STRING = int16(-1);
/** Key, lowest and highest version. */
const SERVED = [
  [PRODUCE, 3, 3],
  [METADATA, 1, 1],
  [API_VERSIONS, 0, 2],
  [INIT_PRODUCER_ID, 0, 0],
];

/** Brokers on loopback that speak as much Kafka as a producer needs, keep what they append in memory, and fail as a test says. */
export class StubCluster {
  /** Values by `topic/partition`, in the order of the log. */
  readonly logs = new Map<string, StubRecord[]>();
  readonly requests: ProduceRequest[] = [];
  /** Leader of each partition of the topic. */
  leaders: number[];
  onProduce: OnProduce = (request, append) => request.parts.map(append);
  readonly #servers = new Map<number, Server>();
  readonly #sockets = new Set<Socket>();
  readonly #sequences = new Map<string, { next: number; offsets: Map<number, number> }>();
  #producers = 0;

  private constructor(
    readonly topic: string,
    leaders: number[],
  ) {
    this.leaders = leaders;
  }

  static async start({ topic = 't', leaders = [1] }: { topic?: string; leaders?: number[] } = {}): Promise<StubCluster> {
    const cluster = new StubCluster(topic, leaders);
    for (const node of new Set([1, ...leaders])) {
      const server = createServer((socket) => cluster.#serve(node, socket));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      cluster.#servers.set(node, server);
    }
    return cluster;
  }

  get brokers(): string[] {
    return [...this.#servers.values()].map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  values(partition = 0): string[] {
    return (this.logs.get(`${this.topic}/${partition}`) ?? []).map(({ value }) => value);
  }

  /** As a real leader: a sequence that an idempotent producer repeats is acknowledged and not written again. */
  append = (part: ProducedPart): AnsweredPart => {
    const { topic, partition, producerId, baseSequence, records } = part;
    const name = `${topic}/${partition}`;
    const log = this.logs.get(name) ?? [];
    this.logs.set(name, log);
    const answer = (errorCode: number, baseOffset: number): AnsweredPart => ({ topic, partition, errorCode, baseOffset });
    if (producerId >= 0) {
      const known = this.#sequences.get(`${producerId} ${name}`) ?? { next: 0, offsets: new Map<number, number>() };
      this.#sequences.set(`${producerId} ${name}`, known);
      const repeated = known.offsets.get(baseSequence);
      if (repeated !== undefined) return answer(0, repeated);
      if (baseSequence !== known.next) return answer(ERROR.outOfOrderSequence, -1);
      known.next += records.length;
      known.offsets.set(baseSequence, log.length);
    }
    log.push(...records);
    return answer(0, log.length - records.length);
  };

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([...this.#servers.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #serve(node: number, socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    let pending = Buffer.alloc(0);
    let turn: Promise<void> = Promise.resolve();
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const request = pending.subarray(4, 4 + pending.readInt32BE(0));
        pending = pending.subarray(4 + request.length);
        turn = turn.then(async () => {
          const answer = await this.#answer(node, new WireReader(request));
          if (answer === null) socket.destroy();
          else socket.write(Buffer.concat([int32(answer.length), answer]));
        });
      }
    });
  }

  async #answer(node: number, reader: WireReader): Promise<Buffer | null> {
    const [key, version, correlation] = [reader.int16(), reader.int16(), reader.int32()];
    reader.string(); // client id
    const body = await this.#body(node, key, version, reader);
    return body === null ? null : Buffer.concat([int32(correlation), body]);
  }

  async #body(node: number, key: number, version: number, reader: WireReader): Promise<Buffer | null> {
    if (key === API_VERSIONS) {
      const served = array(SERVED.map((each) => Buffer.concat(each.map(int16))));
      return Buffer.concat([int16(0), served, ...(version > 0 ? [int32(0)] : [])]);
    }
    if (key === METADATA) return this.#metadata();
    if (key === INIT_PRODUCER_ID) {
      this.#producers += 1;
      return Buffer.concat([int32(0), int16(0), int64(this.#producers), int16(0)]);
    }
    const answered = await this.onProduce(this.#produced(node, reader), this.append);
    if (answered === null) return null;
    const topics = array(
      answered.map(({ topic, partition, errorCode, baseOffset }) =>
        Buffer.concat([string(topic), array([Buffer.concat([int32(partition), int16(errorCode), int64(baseOffset), int64(-1)])])]),
      ),
    );
    return Buffer.concat([topics, int32(0)]);
  }

  #metadata(): Buffer {
    const brokers = [...this.#servers].map(([node, server]) =>
      Buffer.concat([int32(node), string('127.0.0.1'), int32((server.address() as AddressInfo).port), NULL_STRING]),
    );
    const partitions = this.leaders.map((leader, partition) =>
      Buffer.concat([int16(0), int32(partition), int32(leader), array([int32(leader)]), array([int32(leader)])]),
    );
    const topic = Buffer.concat([int16(0), string(this.topic), Buffer.of(0), array(partitions)]);
    return Buffer.concat([array(brokers), int32(CONTROLLER), array([topic])]);
  }

  #produced(node: number, reader: WireReader): ProduceRequest {
    reader.string(); // transactional id
    const acks = reader.int16();
    reader.int32(); // timeout
    const parts = reader
      .array(() => {
        const topic = reader.string() ?? '';
        return reader.array(() => ({ topic, partition: reader.int32(), ...readRecordBatch(reader.data()) }));
      })
      .flat();
    const request = { node, acks, parts };
    this.requests.push(request);
    return request;
  }
}
