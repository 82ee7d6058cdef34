import { packageVersion } from '#config';
import { AffiantError } from '#errors';
import { parseVkey } from '#signing';
import { parsePacketModel } from '../model/packet-schema.js';
import type { PacketModel } from '../model/packet.js';
import { sha256Hex } from '../model/result.js';
import { countVerdicts, type Verdict } from '../model/verdict.js';
import { MANIFEST_NAME, MODEL_NAME, type Manifest } from '../render/manifest.js';
import { renderPacket } from '../render/render-packet.js';
import type { Renderer } from '../render/renderer.js';
import { readSeal, sealVerifies } from '../render/seal.js';
import { checkCheckpoint, checkProofs, checkResults, type Problem } from './check-content.js';
import { compareWithRendered } from './compare.js';
import { attachedFiles, infoEntries, readPdf } from './read-pdf.js';

const MAX_FILE = 512 * 1024 * 1024;

export interface VerifyOptions {
  /** The log's public key (vkey), got on another way than the file. Without it only self-consistency is checked. */
  readonly vkey?: string;
  readonly render?: Renderer;
}

export interface VerifyReport {
  readonly ok: boolean;
  /** `given`: against the key of the caller. `embedded`: against the key in the file, which proves self-consistency only. */
  readonly key: 'given' | 'embedded';
  readonly statement: string;
  readonly packet: {
    readonly packet_id: string;
    readonly framework: string;
    readonly from: string;
    readonly to: string;
    readonly tree_size: number;
    readonly root_hash: string;
    readonly verdicts: Readonly<Record<Verdict, number>>;
  } | null;
  /** What was checked, in order. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  /** What is wrong, with the attachment, page or part. Empty when ok. */
  readonly problems: readonly (Problem & { readonly code: 'packet_invalid' })[];
}

/**
 * Verifies a packet offline: seal over every byte, attachments against the manifest, checkpoint, inclusion proofs, results and verdicts,
 * and the pages against a fresh rendering of packet.json. A hostile file gives a report, never an exception.
 * @throws AffiantError key_invalid when the caller's key is malformed.
 */
export async function verifyPacket(bytes: Uint8Array, options: VerifyOptions = {}): Promise<VerifyReport> {
  if (options.vkey !== undefined) parseVkey(options.vkey.trim());
  const check = new Verification(options);
  try {
    await check.run(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    check.problem('document structure', error instanceof AffiantError ? error.message : 'the file cannot be read');
  }
  return check.report();
}

class Verification {
  readonly #checks: { name: string; ok: boolean; detail: string }[] = [];
  readonly #problems: Problem[] = [];
  #model: PacketModel | null = null;

  constructor(private readonly options: VerifyOptions) {}

  problem(where: string, message: string): void {
    if (this.#problems.length < 200 && !this.#problems.some((one) => one.where === where && one.message === message))
      this.#problems.push({ where, message });
  }

  async run(bytes: Buffer): Promise<void> {
    if (bytes.length > MAX_FILE) throw new AffiantError('packet_invalid', 'the file is larger than any packet');
    const pdf = readPdf(bytes);
    const info = infoEntries(pdf);
    const vkey = this.options.vkey?.trim() ?? info.get('AffiantKey')?.value ?? '';
    const sealed = this.#checkSeal(bytes, vkey);
    const attached = new Map<string, Buffer>();
    for (const file of attachedFiles(pdf)) {
      if (attached.has(file.name)) this.problem(`attachment ${file.name}`, 'it is attached twice');
      else if (file.data === null) this.problem(`attachment ${file.name}`, 'its content cannot be read');
      else attached.set(file.name, file.data);
    }
    this.#section(
      'attachments',
      () => this.#checkManifest(attached, info.get('AffiantManifest')?.value ?? ''),
      `${attached.size} files against the manifest`,
    );
    const packetJson = attached.get(MODEL_NAME);
    if (packetJson === undefined) {
      this.problem('attachment packet.json', 'it is missing');
      this.#structure(pdf.damage, sealed);
      return;
    }
    // A damaged model would make every page differ: what the manifest already names is enough.
    if (!this.#problems.some(({ where }) => where === 'attachment packet.json')) {
      try {
        this.#model = parsePacketModel(packetJson);
      } catch (error) {
        this.problem('attachment packet.json', (error as Error).message);
      }
    }
    if (this.#model !== null) {
      const model = this.#model;
      this.#checkContent(model, attached, vkey);
      await this.#checkPages(bytes, model, packetJson, attached, sealed);
    }
    this.#structure(pdf.damage, sealed);
  }

  report(): VerifyReport {
    const ok = this.#problems.length === 0;
    const given = this.options.vkey !== undefined;
    const model = this.#model;
    return {
      ok,
      key: given ? 'given' : 'embedded',
      statement: !ok
        ? `The packet does not verify: ${this.#problems[0]?.where}.`
        : given
          ? 'The packet verifies under the given key: it is, byte for byte, what that key sealed.'
          : 'The packet agrees with itself. No key was given, so this says nothing about who made it: get the log’s key on another way and verify again with it.',
      packet:
        model === null
          ? null
          : {
              packet_id: model.packet_id,
              framework: model.framework,
              from: model.period.from,
              to: model.period.to,
              tree_size: model.snapshot.tree_size,
              root_hash: model.snapshot.root_hash,
              verdicts: countVerdicts(model.controls.map(({ verdict }) => verdict)),
            },
      checks: this.#checks,
      problems: this.#problems.map((one) => ({ code: 'packet_invalid', ...one })),
    };
  }

  /** Runs a group of checks and notes whether it added a problem. */
  #section(name: string, work: () => void, detail: string): void {
    const before = this.#problems.length;
    work();
    this.#checks.push({ name, ok: this.#problems.length === before, detail });
  }

  #checkSeal(bytes: Buffer, vkey: string): boolean {
    let sealed = false;
    this.#section(
      'seal',
      () => {
        try {
          const seal = readSeal(bytes);
          sealed = seal !== null && sealVerifies(seal, vkey);
          if (!sealed)
            this.problem(
              'seal',
              seal === null
                ? 'the file has no seal'
                : 'the file is not what the key sealed: at least one byte differs, or another key made it',
            );
        } catch (error) {
          this.problem('seal', (error as Error).message);
        }
      },
      'Ed25519 over every byte of the file',
    );
    return sealed;
  }

  #checkManifest(attached: ReadonlyMap<string, Buffer>, named: string): void {
    const bytes = attached.get(MANIFEST_NAME);
    const where = `attachment ${MANIFEST_NAME}`;
    if (bytes === undefined) return this.problem(where, 'it is missing');
    const listed = readManifest(bytes);
    if (listed === null) return this.problem(where, 'it is not a manifest');
    const wrong = listed.files.filter((file) => {
      const data = attached.get(file.name);
      return data === undefined || data.length !== file.bytes || sha256Hex(data) !== file.sha256;
    });
    if (sha256Hex(bytes) !== named) {
      // All files agree with it: then it is its digest in the document information that was changed.
      this.problem(wrong.length === 0 ? 'document information AffiantManifest' : where, 'manifest and the digest of the manifest differ');
      if (wrong.length > 0) return;
    }
    for (const file of wrong)
      this.problem(`attachment ${file.name}`, attached.has(file.name) ? 'its digest is not the one in the manifest' : 'it is missing');
    const names = new Set([MANIFEST_NAME, ...listed.files.map(({ name }) => name)]);
    for (const name of attached.keys()) if (!names.has(name)) this.problem(`attachment ${name}`, 'it is not in the manifest');
  }

  #checkContent(model: PacketModel, attached: ReadonlyMap<string, Buffer>, vkey: string): void {
    const add = (problems: readonly Problem[]): void => {
      for (const { where, message } of problems) this.problem(where, message);
    };
    this.#section(
      'checkpoint',
      () => {
        const { head, problems } = checkCheckpoint(model, vkey, attached.get('checkpoint.note'));
        add(problems);
        if (head !== null) add(checkProofs(model, head, attached));
      },
      `signed tree head of ${model.snapshot.tree_size} leaves; ${model.cited.length} cited events proven to be in it`,
    );
    this.#section(
      'results',
      () => add(checkResults(model, attached)),
      `${model.runs.length} query results, ${model.exhibits.length} exhibits, ${model.controls.length} verdicts judged again`,
    );
    if (model.snapshot.vkey !== vkey) this.problem('attachment packet.json', 'it names another key than the one it is verified with');
  }

  async #checkPages(
    bytes: Buffer,
    model: PacketModel,
    packetJson: Buffer,
    attached: ReadonlyMap<string, Buffer>,
    sealed: boolean,
  ): Promise<void> {
    const name = 'pages';
    if (model.program.version !== packageVersion) {
      this.#checks.push({ name, ok: true, detail: `not drawn again: made by version ${model.program.version}, this is ${packageVersion}` });
      return;
    }
    const files = new Map(model.exhibits.map((exhibit) => [exhibit.name, attached.get(exhibit.name) ?? Buffer.alloc(0)]));
    const input = { packetJson, files, manifest: attached.get(MANIFEST_NAME) };
    let detail = 'drawn again from packet.json';
    const before = this.#problems.length;
    try {
      const rendered = this.options.render === undefined ? renderPacket(input) : await this.options.render(input);
      const actual = readSeal(bytes)?.zeroed ?? bytes;
      const differences = compareWithRendered(actual, rendered.bytes);
      // Another compressor (Node release, processor) writes other bytes for the same content; under a good seal that is no alteration.
      for (const { where, encodingOnly } of differences)
        if (!(sealed && encodingOnly)) this.problem(where, 'it is not what packet.json gives');
      detail += `: ${rendered.pages} pages`;
    } catch (error) {
      this.problem('attachment packet.json', `the pages cannot be drawn from it: ${(error as Error).message}`);
    }
    this.#checks.push({ name, ok: this.#problems.length === before, detail });
  }

  /** Damage is told last, and only when nothing more telling was found; under a good seal there is none. */
  #structure(damage: readonly { readonly at: number; readonly message: string }[], sealed: boolean): void {
    const named = this.#problems.some(({ where }) => where !== 'seal');
    if (named || (sealed && damage.length === 0)) return;
    for (const { at, message } of damage.slice(0, 5)) this.problem('document structure', `${message} at byte ${at}`);
  }
}

function readManifest(bytes: Buffer): Manifest | null {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Partial<Manifest>;
    const files = value.files ?? [];
    const sound =
      value.format === 'affiant-manifest/1' &&
      Array.isArray(files) &&
      files.every((file) => typeof file?.name === 'string' && typeof file.sha256 === 'string');
    return sound ? (value as Manifest) : null;
  } catch {
    return null;
  }
}
