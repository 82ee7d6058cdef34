/** Built-in entity types, in the order in which equal candidates are preferred. */
export const ENTITY_TYPES = [
  'credit_card',
  'iban',
  'us_ssn',
  'us_aba_routing',
  'us_bank_account',
  'email',
  'phone',
  'secret',
  'ip_address',
] as const;

export type EntityType = (typeof ENTITY_TYPES)[number];

/** Raised by one when a rule of the type finds other spans than before: part of the detector's version. */
export const RULE_VERSIONS: Readonly<Record<EntityType, number>> = {
  credit_card: 1,
  iban: 1,
  us_ssn: 1,
  us_aba_routing: 1,
  us_bank_account: 1,
  email: 1,
  phone: 1,
  secret: 1,
  ip_address: 1,
};

export function isEntityType(name: string): name is EntityType {
  return (ENTITY_TYPES as readonly string[]).includes(name);
}
