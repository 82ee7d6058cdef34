/** Classes of OCSF 1.9.0 that the mapping uses, with the captions of their activities. */
export const CLASSES = {
  api: {
    uid: 6003,
    name: 'API Activity',
    category: { uid: 6, name: 'Application Activity' },
    activities: { 1: 'Create', 2: 'Read', 3: 'Update', 4: 'Delete' },
  },
  datastore: {
    uid: 6005,
    name: 'Datastore Activity',
    category: { uid: 6, name: 'Application Activity' },
    activities: { 1: 'Read', 4: 'Query' },
  },
  lifecycle: {
    uid: 6002,
    name: 'Application Lifecycle',
    category: { uid: 6, name: 'Application Activity' },
    activities: { 3: 'Start', 4: 'Stop' },
  },
  error: {
    uid: 6008,
    name: 'Application Error',
    category: { uid: 6, name: 'Application Activity' },
    activities: { 1: 'General Error', 2: 'Translation Error' },
  },
  entity: {
    uid: 3004,
    name: 'Entity Management',
    category: { uid: 3, name: 'Identity & Access Management' },
    activities: { 1: 'Create', 3: 'Update', 4: 'Delete', 10: 'Activate', 11: 'Deactivate' },
  },
  authentication: {
    uid: 3002,
    name: 'Authentication',
    category: { uid: 3, name: 'Identity & Access Management' },
    activities: { 1: 'Logon' },
  },
} as const satisfies Record<string, OcsfClass>;

export interface OcsfClass {
  readonly uid: number;
  readonly name: string;
  readonly category: { readonly uid: number; readonly name: string };
  readonly activities: Readonly<Record<number, string>>;
}

export type ClassName = keyof typeof CLASSES;

/** Activity that the class does not name; `activity_name` then tells which. */
export const OTHER = 99;

export const SEVERITY = { informational: 1, low: 2, medium: 3, high: 4, critical: 5 } as const;
export const SEVERITY_CAPTIONS: Readonly<Record<number, string>> = { 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical' };
export type Severity = (typeof SEVERITY)[keyof typeof SEVERITY];
