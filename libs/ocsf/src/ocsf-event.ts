/** A JSON value; an attribute that is undefined is left out of the JSON. */
export type OcsfValue = string | number | boolean | readonly OcsfValue[] | OcsfObject | undefined;

export interface OcsfObject {
  readonly [attribute: string]: OcsfValue;
}

/** An OCSF event: what every class has; the rest depends on the class. Times are milliseconds since the Unix epoch. */
export interface OcsfEvent extends OcsfObject {
  readonly class_uid: number;
  readonly category_uid: number;
  readonly activity_id: number;
  /** class_uid * 100 + activity_id */
  readonly type_uid: number;
  readonly severity_id: number;
  readonly time: number;
  readonly metadata: OcsfObject & { readonly uid: string; readonly sequence: number };
}
