import type { Snapshot } from '../model/packet.js';

/** verify.md: how to check the packet with standard tools. */
export function verifyGuide(snapshot: Snapshot): string {
  return `# Checking this packet

You need this PDF and the log's public key. Get the key from the institution on another way than this file; the copy attached as
ledger.vkey only shows that the file agrees with itself.

1. Everything at once, offline: \`affiant verify packet.pdf --policy FILE\`, where FILE is that key, or a C2SP trust policy with the
   witnesses you ask for. Without an installation: \`node affiant-verify.mjs --policy FILE packet.pdf\`, one readable file without
   dependencies, or affiant-verify.html, the same in a browser without a network. The institution's console serves both at /verify/; get
   them from elsewhere, or read them, if you do not trust it. If you kept a checkpoint from an earlier packet, add \`--since FILE\`.
2. Attachments: \`pdfdetach -saveall packet.pdf\`, then compare \`sha256sum\` of each file with manifest.json. The digest of
   manifest.json itself is the Info entry AffiantManifest (\`pdfinfo -custom packet.pdf\`).
3. Seal: the Info entry AffiantSeal holds, after \`affiant-seal/1:\`, 136 hexadecimal digits: 4 bytes of key id and 64 bytes of Ed25519
   signature. Replace the digits by zeros in the file. The signed text is three lines, each with a line end:
   \`affiant-packet-seal/1\`, the length of the file in bytes, the SHA-256 of the zeroed file in hexadecimal.
4. Checkpoint: checkpoint.note is a C2SP signed note by ${snapshot.origin}; any tool for signed notes verifies it. ${witnesses(snapshot)}
5. Cited events: each file in proofs/ is a C2SP tlog-proof. The leaf is its \`extra\` line, 187 bytes: the SHA-256 of the event stands at
   offset 58, the source's name at 123, its number at 10. SHA-256(0x00 || leaf), folded with the hashes of the proof, is the root in the note.
6. Numbers: every query of Appendix A (queries/*.sql) runs unchanged at the SQL endpoint. It reads only records below tree size
   ${snapshot.tree_size} and gives the same answer for as long as the ledger exists.
7. Records: events are Avro in Confluent framing (0x00, four bytes of schema id, Avro); schemas/ holds the schemas. The digest of the
   exact bytes is what the leaf commits to.
8. The previous packet, where there is one: consistency/SIZE.txt, a hash in base64 a line, is the proof (RFC 9162, 2.1.4) that the tree of
   this packet goes on from the SIZE leaves of its checkpoint.note: \`--since\` with that note checks it.
9. Time stamps, where there are any: \`openssl ts -verify -data stamps/checkpoint-SIZE.note -in stamps/NAME-0.tsr -CAfile ROOT.pem\`, with the root of the
   authority that you got on another way. Number 1 is over the note followed by number 0 (\`cat\`), and so on.
`;
}

function witnesses({ cosigned_by: by = [] }: Snapshot): string {
  return by.length === 0
    ? 'It has no cosignature of a witness.'
    : `It is cosigned by ${by.map(({ name }) => name).join(', ')}: name their keys in the policy and ask for a quorum.`;
}
