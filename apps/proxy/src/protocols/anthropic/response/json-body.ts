import { JsonScanner, splice } from '#wire';
import { findReplacements, leafEdits, leafLabel, leafText, type MaskRules } from '../../../mask/leaf.js';
import type { Replacement } from '../../../mask/stream-masker.js';
import { LeafCollector, Mode, type PlacedLeaf } from '../leaf-collector.js';

interface FoundInLeaf {
  readonly leaf: PlacedLeaf;
  readonly replacements: readonly Replacement[];
}

/** A JSON document with what was found in its strings, scanned once, to be given out in more than one form. */
export class JsonBody {
  private readonly found: FoundInLeaf[] = [];
  readonly leaves: readonly PlacedLeaf[];

  /** @throws AffiantError body_invalid */
  constructor(readonly bytes: Buffer) {
    const collector = new LeafCollector(bytes, Mode.Content, '');
    new JsonScanner(bytes, 0, bytes.length, collector).run();
    this.leaves = collector.leaves.filter((leaf) => leaf !== null);
  }

  text(leaf: PlacedLeaf): string {
    return leafText(this.bytes, leaf);
  }

  scan(leaf: PlacedLeaf, rules: MaskRules): readonly Replacement[] {
    const replacements = findReplacements(this.text(leaf), leafLabel(leaf), rules);
    if (replacements.length > 0) this.found.push({ leaf, replacements });
    return replacements;
  }

  /** Replaces a whole string. */
  hide(leaf: PlacedLeaf, placeholder: string): void {
    this.found.push({ leaf, replacements: [{ start: 0, end: this.text(leaf).length, text: placeholder, action: 'mask' }] });
  }

  /** The bytes with the replacements that `carriesOut` names; the document's own bytes when there are none. */
  render(carriesOut: (replacement: Replacement) => boolean): Buffer {
    return splice(
      this.bytes,
      this.found.flatMap(({ leaf, replacements }) => leafEdits(this.bytes, leaf, replacements.filter(carriesOut))),
    );
  }
}
