import { Worker } from 'node:worker_threads';
import { AffiantError, type ErrorCode } from '#errors';
import { renderPacket, type Rendered, type RenderInput } from './render-packet.js';

/** Port: packet.json and exhibits -> PDF, off the event loop. */
export type Renderer = (input: RenderInput) => Promise<Rendered>;

export interface RenderMessage {
  readonly packetJson: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export type RenderAnswer = { readonly bytes: Uint8Array; readonly pages: number } | { readonly code: ErrorCode; readonly message: string };

const MEMORY_MB = 1024;

/** One thread per packet: layout takes seconds and must not stand in anybody's stream. */
export const renderInWorker: Renderer = (input) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./render-worker.js', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
      stdout: false,
    });
    const fail = (cause: unknown): void =>
      reject(cause instanceof AffiantError ? cause : new AffiantError('packet_failed', 'the page program failed', { cause }));
    worker.once('message', (answer: RenderAnswer) => {
      if ('bytes' in answer) resolve({ bytes: Buffer.from(answer.bytes), pages: answer.pages });
      else fail(new AffiantError(answer.code, answer.message));
      void worker.terminate();
    });
    worker.once('error', fail);
    worker.once('exit', (code) => fail(new Error(`the render thread ended with ${code}`)));
    worker.postMessage({ packetJson: input.packetJson, files: input.files } satisfies RenderMessage);
  });

/** On this thread: tests, and programs that do nothing else meanwhile. */
export const renderDirectly: Renderer = async (input) => renderPacket(input);
