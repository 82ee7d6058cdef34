/** Bytes for the client, and the same for the trail; empty when the item says nothing any more. */
export interface Rendered {
  readonly client: Buffer;
  readonly trail: Buffer;
  /** False when the item has more to say later and stays in front. */
  readonly done: boolean;
}

/** An event on its way to the client. */
export interface OutItem {
  readonly weight: number;
  /** Null while it is not decided. */
  take(): Rendered | null;
}

/** What went out in one step. */
export interface Outgoing {
  readonly release: Buffer[];
  /** Undefined when the trail gets the same. */
  readonly recorded: Buffer[] | undefined;
}

/** Events in the order they came; an undecided one holds back all behind it. Bytes that lie side by side go out as one. */
export class Outbox {
  private readonly items: OutItem[] = [];
  private head = 0;
  private weight = 0;

  get isEmpty(): boolean {
    return this.head === this.items.length;
  }

  get bufferedBytes(): number {
    return this.weight;
  }

  get last(): OutItem | undefined {
    return this.isEmpty ? undefined : this.items.at(-1);
  }

  push(item: OutItem): void {
    this.items.push(item);
    this.weight += item.weight;
  }

  /** Takes the last item back, to be merged into the next one. */
  popLast(): void {
    this.weight -= this.items.pop()!.weight;
  }

  /** Throws away what is not decided. */
  clear(): void {
    this.items.length = this.head = this.weight = 0;
  }

  /** @returns false when it stopped after `most` items and there is more to go out. */
  drain(out: OutgoingBytes, most = Number.MAX_SAFE_INTEGER): boolean {
    for (let taken = 0; this.head < this.items.length; taken++) {
      if (taken === most) return false;
      const item = this.items[this.head]!;
      const rendered = item.take();
      if (rendered === null) break;
      out.add(rendered.client, rendered.trail);
      if (!rendered.done) break;
      this.weight -= item.weight;
      this.head++;
    }
    if (this.head === this.items.length) this.items.length = this.head = 0;
    else if (this.head > 256) {
      this.items.splice(0, this.head);
      this.head = 0;
    }
    return true;
  }
}

/** Gathers the bytes of one step. */
export class OutgoingBytes {
  private readonly release: Buffer[] = [];
  private recorded: Buffer[] | undefined;

  add(client: Buffer, trail: Buffer): void {
    if (client !== trail && this.recorded === undefined) this.recorded = [...this.release];
    append(this.release, client);
    if (this.recorded !== undefined) append(this.recorded, trail);
  }

  done(): Outgoing {
    return { release: this.release, recorded: this.recorded };
  }
}

function append(list: Buffer[], bytes: Buffer): void {
  if (bytes.length === 0) return;
  const last = list.at(-1);
  if (last !== undefined && last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
    list[list.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length);
  } else list.push(bytes);
}
