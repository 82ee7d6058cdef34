-- The keyed digest of an original is over its SHA-256 from now on (docs/adr/0109-known-conversations.md); what was recorded before stays as it is.

ALTER TABLE audit.bodies
    COMMENT COLUMN original_digest 'v2: and hex HMAC-SHA-256 of the SHA-256 of the original bytes; without v2: of the bytes; empty when none';
